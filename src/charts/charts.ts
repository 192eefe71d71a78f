import type { Clock } from '../core/instant.ts'
import type { JsonObject } from '../core/json.ts'
import { Lru } from '../core/lru.ts'
import { type ErrorCode, Problem } from '../core/problems.ts'
import { unlessAborted } from '../infra/unless-aborted.ts'
import { invalidChart } from './archive/faults.ts'
import { type Chart, type PackagedChart, readChart } from './archive/read.ts'
import { requireChartName } from './core/names.ts'
import {
  hiddenTexts,
  hideValues,
  holdsMask,
  marksAny,
  maskedPlaces,
  redactValues,
  type SchemaTree,
} from './core/redact.ts'
import { checkValues } from './core/values.ts'
import { Fresh } from './fresh.ts'
import { namesOf } from './inside.ts'
import { SingleFlight } from './single-flight.ts'
import { type Found, findVersion } from './sources/find.ts'
import { type ChartStore, digestChanged, toResolved } from './store.ts'
import type { ChartSource, ResolvedChart } from './types.ts'

export type ChartsParts = {
  readonly store: ChartStore
  /** The configured sources, in the order in which they are asked. */
  readonly sources: () => Promise<readonly ChartSource[]>
  readonly clock: Clock
  /** For so long sources are asked whether a version that is kept is still the same; five seconds unless said. */
  readonly keptWaitMs?: number
}

/** Charts as the rest of Flotilla sees them: found by name and version once, then the same bytes by their digest. */
export interface Charts {
  /**
   * The one packaged chart of a name and version. Throws `chart_not_found`, `chart_version_not_found`, `chart_invalid`,
   * `digest_changed`, and `unavailable` when a source does not answer and the chart is not kept.
   */
  resolve(name: string, version: string): Promise<ResolvedChart>
  /** A chart that is kept, by its digest. Throws `chart_not_found`. */
  kept(digest: string): Promise<ResolvedChart>
  /** The bytes of a chart that is kept. */
  archive(digest: string): Promise<Buffer>
  /** The values as they may be shown; for a chart that is not known, nothing of them but their shape. */
  redact(digest: string | null, values: JsonObject): Promise<JsonObject>
  /**
   * Where these values hold `***` in the place of what `redact` hides for one of these charts, as JSON pointers into them.
   * Throws `Problem` for values that pass their limits.
   */
  masked(digests: readonly (string | null)[], values: JsonObject): Promise<readonly string[]>
  /** The texts that the chart's schema marks as secret, in these values and in its defaults: they are shown nowhere. */
  secrets(digest: string | null, values: JsonObject): Promise<readonly string[]>
  /** Keeps a chart that was repacked from a release record. Throws `chart_invalid`. */
  adopt(archive: Uint8Array): Promise<ResolvedChart>
}

const cacheBytes = 64 * 1024 * 1024

export function createCharts({ store, sources, clock, keptWaitMs = 5_000 }: ChartsParts): Charts {
  const packaged = new Lru<PackagedChart>(cacheBytes, weightOf)
  const resolved = new Fresh<ResolvedChart>(clock)
  const loads = new SingleFlight<PackagedChart>()
  const ofDefaults = new WeakMap<PackagedChart, readonly string[] | null>()

  /** Of the chart's own defaults; null where it marks nothing at all. */
  function defaultSecrets(chart: PackagedChart): readonly string[] | null {
    const before = ofDefaults.get(chart)
    if (before !== undefined) return before
    const tree = schemaTree(chart)
    const found = marksAny(tree) ? defaultsOf(chart).flatMap((values) => secretTexts(values, tree)) : null
    ofDefaults.set(chart, found)
    return found
  }

  async function lookUp(name: string, version: string): Promise<ResolvedChart> {
    const kept = await store.fromSource(name, version)
    if (kept === null) return ask(name, version, kept)
    try {
      return await unlessAborted(ask(name, version, kept), AbortSignal.timeout(keptWaitMs))
    } catch (error) {
      // What is kept goes on working when its source is down or has removed it.
      if (isGone(error)) return kept
      throw error
    }
  }

  async function ask(name: string, version: string, kept: ResolvedChart | null): Promise<ResolvedChart> {
    const found = await findVersion(await sources(), name, version)
    const { digest } = found.offered
    if (kept !== null && digest !== null && digest !== kept.digest) {
      throw digestChanged(name, version, kept.digest, digest)
    }
    if (kept !== null && digest !== null && (await isTrusted(found, kept))) return kept
    const chart = await fetched(found, name)
    await store.keep(chart, found.source.id, clock.now(), found.source.verifies)
    packaged.set(chart.digest, chart)
    return toResolved(chart)
  }

  /** A source that asks for signatures takes what it gave itself: another one may have given the same bytes unsigned. */
  const isTrusted = async ({ source }: Found, { digest, name, version }: ResolvedChart): Promise<boolean> =>
    source.verifies !== true || (await store.cameFrom({ digest, name, version }, source.id))

  function load(digest: string): Promise<PackagedChart> {
    const cached = packaged.get(digest)
    if (cached !== undefined) return Promise.resolve(cached)
    return loads.run(digest, async () => {
      const archive = await store.archive(digest)
      if (archive === null) throw new Problem('chart_not_found', `the chart with the digest ${digest} is not kept`)
      const chart = await readChart(archive)
      packaged.set(digest, chart)
      return chart
    })
  }

  const known = async (digest: string | null) => (digest === null ? null : load(digest).catch(nullWhenGone))

  return {
    async resolve(name, version) {
      requireChartName(name)
      return resolved.get(`${name} ${version}`, () => lookUp(name, version))
    },
    kept: async (digest) => toResolved(await load(digest)),
    archive: async (digest) => (await load(digest)).archive,
    async redact(digest, values) {
      const chart = await known(digest)
      return chart === null ? hideValues(values) : redactValues(values, schemaTree(chart))
    },
    async masked(digests, values) {
      checkValues(values)
      // Most values hold none, and no chart need be read for them.
      if (!holdsMask(values)) return []
      const places = await Promise.all(
        digests.map(async (digest) => {
          const chart = await known(digest)
          return maskedPlaces(values, chart === null ? null : schemaTree(chart))
        }),
      )
      return [...new Set(places.flat())]
    },
    async secrets(digest, values) {
      const chart = await known(digest)
      if (chart === null) return hiddenTexts(values, hideValues(values))
      const ofChart = defaultSecrets(chart)
      return ofChart === null ? [] : [...secretTexts(values, schemaTree(chart)), ...ofChart]
    },
    async adopt(archive) {
      const chart = await readChart(Buffer.from(archive))
      return store.keep(chart, null, clock.now())
    },
  }
}

async function fetched({ source, offered }: Found, name: string): Promise<PackagedChart> {
  const chart = await readFrom(source, await source.fetch(name, offered.version), `${name} ${offered.version}`)
  const { metadata } = chart
  if (metadata.name === name && metadata.version === offered.version) return chart
  const detail = `${source.name} has ${metadata.name} ${metadata.version} in the place of ${name} ${offered.version}`
  throw invalidChart('other_chart', detail)
}

/** Whose archive cannot be read is told by the source: its operator is the one who can do something about it. */
async function readFrom({ name }: ChartSource, archive: Buffer, what: string): Promise<PackagedChart> {
  try {
    return await readChart(archive)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem(error.code, `${what} of ${name}: ${error.message}`, { extra: { ...error.extra, source: name } })
  }
}

const gone: readonly ErrorCode[] = ['unavailable', 'chart_not_found', 'chart_version_not_found']
const isGone = (error: unknown): boolean =>
  error instanceof Problem ? gone.includes(error.code) : error instanceof Error && error.name === 'TimeoutError'

function nullWhenGone(error: unknown): null {
  if (isGone(error)) return null
  throw error
}

/** Parsed schemas and defaults weigh a few times their text; 16 KiB stand for what every chart needs. */
const weightOf = ({ archive }: PackagedChart): number => 4 * archive.length + 16 * 1024

const secretTexts = (values: JsonObject, tree: SchemaTree) => hiddenTexts(values, redactValues(values, tree))

/** The defaults of a chart, and of those inside it where its values have them. */
function defaultsOf(chart: Chart): readonly JsonObject[] {
  const inside = chart.subcharts.flatMap((sub) =>
    defaultsOf(sub).flatMap((values) => namesOf(chart, sub).map((name) => ({ [name]: values }))),
  )
  return [chart.defaults, ...inside]
}

/** The schemas of a chart, and of those inside it by the names that values may use. */
export function schemaTree(chart: Chart): SchemaTree {
  const inside = chart.subcharts.flatMap((sub) => {
    const tree = schemaTree(sub)
    return namesOf(chart, sub).map((name) => [name, tree] as const)
  })
  return { schema: chart.schema, inside }
}
