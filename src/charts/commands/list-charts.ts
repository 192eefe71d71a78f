import { newestFirst } from '../sources/find.ts'
import type { ChartSource } from '../types.ts'

/** A chart that can be installed; `sources` are those that have it, in the order in which they are asked. */
export type ListedChart = {
  readonly name: string
  readonly versions: readonly string[]
  readonly sources: readonly string[]
}

/** Every chart of the sources, by name, with its versions, the newest first. Throws `unavailable`, naming the source. */
export async function listCharts(sources: readonly ChartSource[]): Promise<readonly ListedChart[]> {
  const offers = await Promise.all(sources.map(offersOf))
  const byName = Map.groupBy(offers.flat(), ({ name }) => name)
  return [...byName]
    .map(([name, all]) => ({
      name,
      versions: newestFirst(all.flatMap(({ versions }) => versions)),
      sources: all.map(({ source }) => source),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

type Offer = { readonly name: string; readonly source: string; readonly versions: readonly string[] }

async function offersOf(source: ChartSource): Promise<readonly Offer[]> {
  const names = await source.names()
  const offers = await Promise.all(
    names.map(async (name) => ({ name, source: source.name, versions: await versionsOf(source, name) })),
  )
  return offers.filter(({ versions }) => versions.length > 0)
}

const versionsOf = async (source: ChartSource, name: string): Promise<readonly string[]> =>
  (await source.versions(name)).map(({ version }) => version)
