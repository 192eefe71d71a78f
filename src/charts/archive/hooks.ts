/** The text of templates that make hooks: an annotation `helm.sh/hook`, but not the ones that only tell about a hook. */
const hookAnnotation = /helm\.sh\/hook(?!-)["']?\s*[:,]?\s*["']?([a-z-]+(?:\s*,\s*[a-z-]+)*)?/g
const testOnly = /^test(-success|-failure)?$/

/**
 * True when a chart's templates may make hooks that an install, upgrade, rollback or uninstall runs. Read from the text:
 * a template that hides the word from this is run like any other, its chart is only repeated once more after a crash.
 */
export function declaresHooks(templates: Iterable<string>): boolean {
  for (const template of templates) {
    for (const [, kinds] of template.matchAll(hookAnnotation)) {
      if (kinds === undefined || !kinds.split(',').every((kind) => testOnly.test(kind.trim()))) return true
    }
  }
  return false
}
