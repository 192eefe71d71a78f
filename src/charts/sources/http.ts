import type { Clock } from '../../core/instant.ts'
import { seconds } from '../../core/instant.ts'
import { Problem } from '../../core/problems.ts'
import type { Resolve } from '../../infra/net/reach.ts'
import { invalidChart } from '../archive/faults.ts'
import { chartLimits } from '../archive/limits.ts'
import { digestOf } from '../archive/read.ts'
import type { ChartSource, SourceRecord } from '../types.ts'
import { type DownloadOptions, download } from './download.ts'
import { parseIndexAside, type RepositoryIndex } from './index-file.ts'

const indexBytes = 32 * 1024 * 1024
/** An index is asked for again (with its ETag) when it is older. */
const freshFor = seconds(10)

type Cached = { readonly index: RepositoryIndex; readonly etag: string | null; readonly at: number }

export type HttpSourceParts = { readonly clock: Clock; readonly resolve: Resolve; readonly timeoutMs: number }

/** A Helm repository: an `index.yaml` and the archives that it names, by relative addresses or elsewhere. */
export function httpSource(record: SourceRecord, { clock, resolve, timeoutMs }: HttpSourceParts): ChartSource {
  const base = new URL(record.url.endsWith('/') ? record.url : `${record.url}/`)
  const options: DownloadOptions = { origin: base.origin, credentials: record.credentials, resolve, timeoutMs }
  let cached: Cached | null = null
  let running: Promise<RepositoryIndex> | null = null

  async function refresh(): Promise<RepositoryIndex> {
    const answer = await download(new URL('index.yaml', base), indexBytes, cached?.etag ?? null, options)
    if (answer.kind === 'unchanged' && cached !== null) cached = { ...cached, at: clock.now() }
    if (answer.kind === 'body') cached = await parsed(answer.body, answer.etag)
    return cached?.index ?? new Map()
  }

  async function parsed(body: Buffer, etag: string | null): Promise<Cached> {
    const index = await parseIndexAside(body.toString('utf8'), timeoutMs).catch(() => {
      throw new Error('its index.yaml cannot be read')
    })
    return { index, etag, at: clock.now() }
  }

  function index(): Promise<RepositoryIndex> {
    if (cached !== null && clock.now() - cached.at < freshFor) return Promise.resolve(cached.index)
    running ??= named(refresh()).finally(() => {
      running = null
    })
    return running
  }

  const named = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw sourceDown(record.name, error)
    })

  return {
    id: record.id,
    name: record.name,
    names: async () => [...(await index()).keys()],
    versions: async (name) => (await index()).get(name) ?? [],
    async fetch(name, version) {
      const entry = (await index()).get(name)?.find((known) => known.version === version)
      if (entry === undefined) throw sourceDown(record.name, new Error(`it no longer has ${name} ${version}`))
      const body = await named(archive(new URL(entry.url, base), options))
      if (entry.digest !== null && digestOf(body) !== entry.digest) {
        throw invalidChart(
          'digest_mismatch',
          `${name} ${version} of ${record.name} does not have the digest of its index`,
        )
      }
      return body
    },
  }
}

async function archive(url: URL, options: DownloadOptions): Promise<Buffer> {
  if (!/^https?:$/.test(url.protocol)) throw new Error('its index names an address that is not http or https')
  const answer = await download(url, chartLimits.packedBytes, null, options)
  if (answer.kind === 'unchanged') throw new Error('it answered 304')
  return answer.body
}

/** A source that does not answer, in words that hold nothing of what it answered. */
export function sourceDown(name: string, error: unknown): Problem {
  const code = (error as { code?: unknown } | null)?.code
  const reason = typeof code === 'string' ? code : error instanceof Error ? error.message : 'it does not answer'
  return new Problem('unavailable', `the chart source ${name} cannot be used: ${reason}`, { extra: { source: name } })
}
