/** Finds the values of a path in an object. */
export type Find = (value: unknown) => readonly unknown[]

const PARTS =
  /\.?\[\?\(\s*@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\)\]|\.?\[(\*|-?\d+)\]|\.?\[(?:'([^']*)'|"([^"]*)")\]|\.(\*|(?:\\.|[^.[\]\\])+)/gy

/**
 * A path as `kubectl` and the printer columns of definitions write it: `.spec.size`, `.status.addresses[0].ip`,
 * `.metadata.labels.app\.kubernetes\.io/name`, `.status.conditions[?(@.type=="Ready")].status`. One that is written
 * otherwise finds nothing.
 */
export function jsonPathOf(path: string): Find {
  const steps: Find[] = []
  PARTS.lastIndex = 0
  let end = 0
  for (const part of path.matchAll(PARTS)) {
    steps.push(stepOf(part))
    end = (part.index ?? 0) + part[0].length
  }
  if (end !== path.length) return () => []
  return (value) => steps.reduce<readonly unknown[]>((found, step) => found.flatMap(step), [value])
}

function stepOf(part: RegExpMatchArray): Find {
  const [, field, operator, double, single, bare, index, quoted, doubleQuoted, plain] = part
  if (field !== undefined) return filter(field.slice(1), operator === '==', double ?? single ?? bare ?? '')
  if (index === '*' || plain === '*') return children
  if (index !== undefined) return (value) => (Array.isArray(value) ? at(value, Number(index)) : [])
  return key(quoted ?? doubleQuoted ?? (plain ?? '').replaceAll(/\\(.)/g, '$1'))
}

const at = (list: readonly unknown[], index: number): readonly unknown[] => {
  const found = list.at(index)
  return found === undefined ? [] : [found]
}

const children: Find = (value) => (typeof value === 'object' && value !== null ? Object.values(value) : [])

const key =
  (name: string): Find =>
  (value) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? [(value as Record<string, unknown>)[name]]
      : []

function filter(field: string, equal: boolean, wanted: string): Find {
  const find = jsonPathOf(`.${field}`)
  return (value) => children(value).filter((each) => (String(find(each)[0] ?? '') === wanted) === equal)
}
