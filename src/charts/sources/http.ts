import type { Clock } from '../../core/instant.ts'
import { seconds } from '../../core/instant.ts'
import type { Resolve } from '../../infra/net/reach.ts'
import { invalidChart } from '../archive/faults.ts'
import { chartLimits, packedTooLarge } from '../archive/limits.ts'
import { digestOf } from '../archive/read.ts'
import type { SignedSource, SourceRecord } from '../types.ts'
import { authorizationOf } from './credentials.ts'
import { offerFrom } from './find.ts'
import { parseIndexAside, type RepositoryIndex } from './index-file.ts'
import { ask, orTooLarge, type Reply } from './request.ts'
import { named } from './source-down.ts'

const indexBytes = 32 * 1024 * 1024
/** Of the file beside an archive that says who made it. */
export const provenanceBytes = 256 * 1024
/** An index is asked for again (with its ETag) when it is older. */
const freshFor = seconds(10)

type Cached = { readonly index: RepositoryIndex; readonly etag: string | null; readonly at: number }

/** What a source that is asked over HTTP needs. */
export type HttpSourceParts = { readonly clock: Clock; readonly resolve: Resolve; readonly timeoutMs: number }

/** A Helm repository: an `index.yaml` and the archives that it names, by relative addresses or elsewhere. */
export function httpSource(record: SourceRecord, { clock, resolve, timeoutMs }: HttpSourceParts): SignedSource {
  const base = new URL(record.url.endsWith('/') ? record.url : `${record.url}/`)
  const home = { origin: base.origin, resolve }
  const { credentials } = record
  const authorization = credentials === null ? null : { origin: base.origin, value: authorizationOf(credentials) }
  let cached: Cached | null = null
  let running: Promise<RepositoryIndex> | null = null

  const get = (url: URL, limit: number, etag: string | null = null): Promise<Reply> =>
    ask(url, home, { signal: AbortSignal.timeout(timeoutMs), limit, authorization, etag })

  async function refresh(): Promise<RepositoryIndex> {
    const reply = await get(new URL('index.yaml', base), indexBytes, cached?.etag)
    if (reply.status === 304 && cached !== null) cached = { ...cached, at: clock.now() }
    else cached = await parsed(bodyOf(reply), reply.header('etag'))
    return cached.index
  }

  async function parsed(body: Buffer, etag: string | null): Promise<Cached> {
    const index = await parseIndexAside(body.toString('utf8'), timeoutMs).catch(() => {
      throw new Error('its index.yaml cannot be read')
    })
    return { index, etag, at: clock.now() }
  }

  function index(): Promise<RepositoryIndex> {
    if (cached !== null && clock.now() - cached.at < freshFor) return Promise.resolve(cached.index)
    running ??= named(record.name, refresh).finally(() => {
      running = null
    })
    return running
  }

  const versions = async (name: string) => (await index()).get(name) ?? []
  return {
    id: record.id,
    name: record.name,
    names: async () => [...(await index()).keys()],
    versions,
    offer: offerFrom(versions),
    fetch: (name, version) =>
      named(record.name, async () => {
        const entry = (await index()).get(name)?.find((known) => known.version === version)
        if (entry === undefined) throw new Error(`it no longer has ${name} ${version}`)
        const asked = get(archiveUrl(entry.url, base), chartLimits.packedBytes)
        const body = bodyOf(await orTooLarge(asked, () => packedTooLarge(`${name} ${version} of ${record.name}`)))
        if (entry.digest === null || digestOf(body) === entry.digest) return body
        const detail = `${name} ${version} of ${record.name} does not have the digest of its index`
        throw invalidChart('digest_mismatch', detail)
      }),
    provenance: (name, version) =>
      named(record.name, async () => {
        const entry = (await index()).get(name)?.find((known) => known.version === version)
        if (entry === undefined) return null
        const url = archiveUrl(entry.url, base)
        url.pathname += '.prov'
        const reply = await get(url, provenanceBytes)
        return reply.status === 404 ? null : bodyOf(reply)
      }),
  }
}

function archiveUrl(text: string, base: URL): URL {
  const url = URL.canParse(text, base.href) ? new URL(text, base) : null
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new Error('its index names an address that is not http or https')
}

function bodyOf({ status, body }: Reply): Buffer {
  if (status !== 200) throw new Error(`it answered ${status}`)
  return body
}
