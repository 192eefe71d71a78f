type Candidate = { readonly path: string; readonly folder: boolean }
type Rule = (candidate: Candidate) => boolean

/** True for what `helm package` leaves out of a chart folder. */
export type Ignore = (path: string, folder: boolean) => boolean

/** The rules of a `.helmignore`, as Helm reads them: its own globs without `**`, and `!` ignores all that does not match. */
export function readIgnore(text: string): Ignore {
  const lines = ['templates/.?*', ...text.split('\n').map((line) => line.trim())]
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#')).map(toRule)
  return (path, folder) => rules.some((rule) => rule({ path, folder }))
}

function toRule(line: string): Rule {
  const negated = line.startsWith('!')
  const foldersOnly = line.endsWith('/')
  const pattern = line.replace(/^!/, '').replace(/\/$/, '')
  const anchored = pattern.includes('/')
  const glob = toRegExp(pattern.replace(/^\//, ''))
  const matches = ({ path }: Candidate): boolean => glob.test(anchored ? path : (path.split('/').at(-1) ?? ''))
  if (negated) return (candidate) => (foldersOnly && !candidate.folder) || !matches(candidate)
  return (candidate) => (!foldersOnly || candidate.folder) && matches(candidate)
}

/** `*` and `?` stay within a segment; `[a-z]` and `[^a-z]` are sets. */
function toRegExp(glob: string): RegExp {
  const parts = glob.match(/\[\^?[^\]/]+\]|\*+|\?|[^*?]/g) ?? []
  return new RegExp(`^${parts.map(toSource).join('')}$`, 's')
}

function toSource(part: string): string {
  if (part.startsWith('*')) return '[^/]*'
  if (part === '?') return '[^/]'
  if (/^\[.+\]$/s.test(part)) return part.replaceAll('\\', '\\\\')
  return part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')
}
