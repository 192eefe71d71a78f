import type { Uuid } from '../../core/subject.ts'
import { mapParallel } from '../../infra/kubernetes/index.ts'
import { unlessAborted } from '../../infra/unless-aborted.ts'
import { newestFirst } from '../sources/find.ts'
import { sourceDown } from '../sources/source-down.ts'
import type { ChartSource } from '../types.ts'

/** A chart that can be installed; `sources` are those that have it, in the order in which they are asked. */
export type ListedChart = {
  readonly name: string
  readonly versions: readonly string[]
  readonly sources: readonly string[]
}

export type ChartVersion = { readonly name: string; readonly version: string }

export type ListParts = {
  readonly sources: readonly ChartSource[]
  /** What is kept from a source: it can be installed whether the source answers or not. */
  readonly kept: (source: Uuid) => Promise<readonly ChartVersion[]>
  /** For so long a list waits for its sources. */
  readonly limitMs: number
}

export type ChartListing = {
  readonly charts: readonly ListedChart[]
  /** The names of the sources that did not tell all that they have. */
  readonly unavailable: readonly string[]
}

/**
 * Every chart of the sources, by name, with its versions, the newest first; with a name, that one. Of a source that does
 * not answer those that are kept. Throws `unavailable`, naming a source, when none answers and nothing of them is kept.
 */
export async function listCharts(parts: ListParts, name?: string): Promise<ChartListing> {
  const signal = AbortSignal.timeout(parts.limitMs)
  const answers = await Promise.all(parts.sources.map((source) => answerOf(source, parts, name, signal)))
  const offers = answers.flatMap((answer) => answer.offers)
  const failures = answers.flatMap(({ failure }) => failure ?? [])
  const [first] = failures
  if (first !== undefined && failures.length === answers.length && offers.length === 0) throw first
  return {
    charts: merged(offers),
    unavailable: answers.flatMap(({ source, failure }) => (failure === null ? [] : [source])),
  }
}

type Offer = { readonly name: string; readonly source: string; readonly versions: readonly string[] }
type Answer = { readonly source: string; readonly offers: readonly Offer[]; readonly failure: Error | null }

function merged(offers: readonly Offer[]): readonly ListedChart[] {
  return [...Map.groupBy(offers, ({ name }) => name)]
    .map(([name, all]) => ({
      name,
      versions: newestFirst(all.flatMap(({ versions }) => versions)),
      sources: all.map(({ source }) => source),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** So many charts of a source are asked for at once. */
const atOnce = 16

async function answerOf(
  source: ChartSource,
  { kept }: ListParts,
  name: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const known = Map.groupBy(await kept(source.id), (version) => version.name)
  const asked = asking(source, signal)
  const names = name === undefined ? await asked.for(() => source.names(), null) : [name]
  // One that has just failed is not asked further.
  const isSilent = asked.failure() !== null
  const offers = await mapParallel(names ?? [...known.keys()], atOnce, async (chart): Promise<Offer> => {
    const ofKept = (known.get(chart) ?? []).map(({ version }) => version)
    const versions = isSilent ? ofKept : await asked.for(() => versionsOf(source, chart), ofKept)
    return { name: chart, source: source.name, versions }
  })
  const some = offers.filter(({ versions }) => versions.length > 0)
  return { source: source.name, offers: some, failure: asked.failure() }
}

/** Asks a source for one thing after another: what it does not tell has a substitute, and its first failure is kept. */
function asking({ name }: ChartSource, signal: AbortSignal) {
  let failure: Error | null = null
  return {
    failure: () => failure,
    for: async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
      try {
        signal.throwIfAborted()
        return await unlessAborted(work(), signal)
      } catch (error) {
        failure ??= sourceDown(name, error)
        return otherwise
      }
    },
  }
}

const versionsOf = async (source: ChartSource, name: string): Promise<string[]> =>
  (await source.versions(name)).map(({ version }) => version)
