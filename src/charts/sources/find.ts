import semver from 'semver'
import { Problem } from '../../core/problems.ts'
import type { ChartSource, OfferedVersion } from '../types.ts'

/** The source that has a chart version, and what it says about it. */
export type Found = { readonly source: ChartSource; readonly offered: OfferedVersion }

const listed = 20

/**
 * Asks the sources in their order; the first that has exactly this version wins. A source that does not answer ends the
 * search with `unavailable`: a later one may have another chart of the same name. Throws `chart_not_found` or
 * `chart_version_not_found`, which names the newest known versions.
 */
export async function findVersion(sources: readonly ChartSource[], name: string, version: string): Promise<Found> {
  const known: string[] = []
  for (const source of sources) {
    const offered = await source.offer(name, version)
    if (offered !== null) return { source, offered }
    known.push(...(await source.versions(name)).map((candidate) => candidate.version))
  }
  throw known.length === 0 ? noChart(name) : noVersion(name, version, known)
}

const noChart = (name: string): Problem => new Problem('chart_not_found', `no chart source has a chart ${name}`)

function noVersion(name: string, version: string, known: readonly string[]): Problem {
  const versions = newestFirst(known).slice(0, listed)
  const more = known.length > listed ? ` and ${known.length - listed} older ones` : ''
  const detail = `chart ${name} has no version ${version}; known are ${versions.join(', ')}${more}`
  return new Problem('chart_version_not_found', detail, { extra: { versions } })
}

/** One version of a source whose list of versions says all that there is to say of it. */
export function offerFrom(versions: ChartSource['versions']): ChartSource['offer'] {
  return async (name, version) => (await versions(name)).find((offered) => offered.version === version) ?? null
}

/** Versions by semver order, the newest first, each once. */
export function newestFirst(versions: readonly string[]): readonly string[] {
  return [...new Set(versions)].sort((a, b) => semver.rcompare(a, b))
}
