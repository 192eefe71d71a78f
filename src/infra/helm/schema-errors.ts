/** One place where values do not fit a schema. */
export type SchemaError = {
  /** The chart whose schema it is, as helm names it: the release's own, or one inside it by its name or alias. */
  readonly chart: string
  /** Where in the values of that chart. */
  readonly path: readonly string[]
  readonly message: string
}

/** What helm says of values that do not fit, taken apart. 4.1 and 3.17 say it in their own ways; other lines are left out. */
export function schemaErrors(text: string): readonly SchemaError[] {
  let chart = ''
  const found: SchemaError[] = []
  for (const line of text.split('\n')) {
    const heading = /^([A-Za-z0-9][\w.-]*):$/.exec(line)?.[1]
    if (heading === undefined) found.push(...errorsOf(line).map((error) => ({ chart, ...error })))
    else chart = heading
  }
  return found
}

type Found = Omit<SchemaError, 'chart'>

function errorsOf(line: string): readonly Found[] {
  const [, pointer, ofNew] = /^ *- at '((?:[^'\\]|\\.)*)': (.+)$/.exec(line) ?? []
  if (pointer !== undefined && ofNew !== undefined) return ofHelm4(stepsOf(pointer), ofNew)
  const [, dotted, ofOld] = /^- (.+?): (.+)$/.exec(line) ?? []
  return dotted === undefined || ofOld === undefined
    ? []
    : [ofHelm3(dotted === '(root)' ? [] : dotted.split('.'), ofOld)]
}

const stepsOf = (pointer: string): readonly string[] =>
  unquoted(pointer)
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

const unquoted = (text: string): string => text.replaceAll("\\'", "'")

/** A property that is missing, or one too many, is what is named, and not what it is or would be in. */
function ofHelm4(path: readonly string[], message: string): readonly Found[] {
  if (message === 'validation failed') return []
  const listed = /^(?:missing propert|additional propert)(?:y|ies) (.*?)(?: not allowed)?$/.exec(message)?.[1]
  const names = [...(listed ?? '').matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, name = '']) => unquoted(name))
  if (names.length === 0) return [{ path, message }]
  const words = message.startsWith('missing') ? 'is required' : 'is not allowed'
  return names.map((name) => ({ path: [...path, name], message: words }))
}

function ofHelm3(path: readonly string[], message: string): Found {
  const [, missing] = /^(.+) is required$/.exec(message) ?? []
  if (missing !== undefined) return { path: [...path, missing], message: 'is required' }
  const [, extra] = /^Additional property (.+) is not allowed$/.exec(message) ?? []
  return extra === undefined ? { path, message } : { path: [...path, extra], message: 'is not allowed' }
}
