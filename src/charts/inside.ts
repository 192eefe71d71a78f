import type { Chart } from './archive/read.ts'

/** By which names the values of a chart may speak of one inside it. */
export function namesOf({ metadata }: Chart, inside: Chart): readonly string[] {
  const aliases = metadata.dependencies.flatMap(({ name, alias }) =>
    name === inside.metadata.name && alias !== null ? [alias] : [],
  )
  return [inside.metadata.name, ...aliases]
}

/** Under which keys of the values of a chart those of one inside it are, however deep; null when there is none of the name. */
export function pathTo(chart: Chart, name: string): readonly string[] | null {
  for (const inside of chart.subcharts) {
    for (const key of keysOf(chart, inside)) {
      const deeper = key === name ? [] : pathTo(inside, name)
      if (deeper !== null) return [key, ...deeper]
    }
  }
  return null
}

/** Where helm has the values of a chart inside: below its alias, once for each. */
function keysOf({ metadata }: Chart, inside: Chart): readonly string[] {
  const { name } = inside.metadata
  const keys = metadata.dependencies.flatMap((wanted) => (wanted.name === name ? [wanted.alias ?? name] : []))
  return keys.length === 0 ? [name] : keys
}
