import { invalidChart } from '../../archive/faults.ts'
import { digestOf } from '../../archive/read.ts'
import { chartNamePattern } from '../../core/names.ts'
import { Fresh } from '../../fresh.ts'
import type { CosignEvidence, OfferedVersion, SignedSource, SourceCredentials, SourceRecord } from '../../types.ts'
import { type HttpSourceParts, provenanceBytes } from '../http.ts'
import { orTooLarge, type Reply } from '../request.ts'
import { named } from '../source-down.ts'
import { isRepositoryPart, readAddress } from './address.ts'
import { readChallenge } from './challenge.ts'
import {
  type ChartLayer,
  chartLayer,
  cosignLayers,
  mediaTypes,
  provenanceLayer,
  readRepositories,
  readTags,
  saysUnknown,
  tagOf,
  versionOf,
} from './manifest.ts'
import { openRegistry } from './registry.ts'

const manifestBytes = 1024 * 1024
const pageBytes = 4 * 1024 * 1024
const mostPages = 50
const perPage = 1_000
/** Of one chart. */
const mostSignatures = 20
/** Of tags, and of charts. */
const mostNames = 50_000

/**
 * An OCI registry: a chart is a repository below the path of the source, its versions are tags. The few requests of the
 * distribution specification that reading takes; what comes is checked against the digests that name it.
 */
export function ociSource(record: SourceRecord, { clock, resolve, timeoutMs }: HttpSourceParts): SignedSource {
  const address = readAddress(record.url)
  if (address === null) throw new Error(`the chart source ${record.name} has an address that is not one of a registry`)
  const { origin, path } = address
  const { credentials, authHosts } = record
  const registry = openRegistry({ origin, credentials, authHosts, resolve, clock })
  const tagLists = new Fresh<readonly OfferedVersion[]>(clock, 2 * mostNames, (list) => 1 + list.length)
  const repositoryOf = (name: string): string => (path === '' ? name : `${path}/${name}`)
  const deadline = (): AbortSignal => AbortSignal.timeout(timeoutMs)

  const read = (name: string, rest: string, accept: string, limit: number, signal: AbortSignal): Promise<Reply> => {
    const repository = repositoryOf(name)
    const url = new URL(`/v2/${repository}/${rest}`, origin)
    return registry.get({ url, scope: `repository:${repository}:pull`, accept, limit, signal })
  }

  /** All pages of a list; null when the registry does not have it. */
  async function pages(start: string, scope: string, readPage: (body: Buffer) => readonly string[]) {
    const signal = deadline()
    const found: string[] = []
    let url: URL | null = new URL(start, origin)
    for (let page = 0; url !== null; page += 1) {
      if (page === mostPages) throw new Error(`its lists are longer than ${mostPages} pages`)
      const reply: Reply = await registry.get({ url, scope, accept: 'application/json', limit: pageBytes, signal })
      if (reply.status !== 200) return reply
      found.push(...listOf(reply.body, readPage))
      if (found.length > mostNames) throw new Error(`its lists have more than ${mostNames} names`)
      url = nextPage(reply.header('link'), url)
    }
    return found
  }

  async function tags(name: string): Promise<readonly OfferedVersion[]> {
    const repository = repositoryOf(name)
    const found = await pages(`/v2/${repository}/tags/list?n=${perPage}`, `repository:${repository}:pull`, readTags)
    if (!isReply(found)) return found.flatMap(offeredBy)
    return isUnknown(found) ? [] : refused(found)
  }

  /** The manifest of a version; null when there is no such version. */
  async function manifestOf(name: string, version: string, signal: AbortSignal): Promise<Buffer | null> {
    const tag = tagOf(version)
    if (tag === null || !isRepositoryPart(name)) return null
    const reply = await read(name, `manifests/${tag}`, mediaTypes.manifest, manifestBytes, signal)
    if (reply.status !== 200) return isUnknown(reply) ? null : refused(reply)
    const told = reply.header('docker-content-digest')
    if (told?.startsWith('sha256:') && told !== `sha256:${digestOf(reply.body)}`) throw lied(name, version, 'manifest')
    return reply.body
  }

  /** The layer that the manifest of a version names; null when there is no such version. */
  async function layerOf(name: string, version: string, signal: AbortSignal): Promise<ChartLayer | null> {
    const manifest = await manifestOf(name, version, signal)
    if (manifest === null) return null
    const layer = chartLayer(manifest)
    if ('fault' in layer) throw invalidChart(layer.reason, `${name} ${version} of ${record.name}: ${layer.fault}`)
    return layer
  }

  async function archive(name: string, version: string, signal: AbortSignal): Promise<Buffer> {
    const layer = await layerOf(name, version, signal)
    if (layer === null) throw new Error(`it no longer has ${name} ${version}`)
    const asked = read(name, `blobs/sha256:${layer.digest}`, '*/*', layer.size, signal)
    const reply = await orTooLarge(asked, () =>
      invalidChart(
        'digest_mismatch',
        `${name} ${version} of ${record.name}: its archive is larger than its manifest says`,
      ),
    )
    if (reply.status !== 200) return refused(reply)
    if (reply.body.length === layer.size && digestOf(reply.body) === layer.digest) return reply.body
    throw lied(name, version, 'archive')
  }

  /** A small thing beside a chart, checked against the digest that names it. */
  async function beside(name: string, version: string, layer: ChartLayer, signal: AbortSignal): Promise<Buffer> {
    const limit = Math.min(layer.size, provenanceBytes)
    const reply = await read(name, `blobs/sha256:${layer.digest}`, '*/*', limit, signal)
    if (reply.status !== 200) return refused(reply)
    if (digestOf(reply.body) === layer.digest) return reply.body
    throw lied(name, version, 'signature')
  }

  async function provenance(name: string, version: string): Promise<Buffer | null> {
    const signal = deadline()
    const manifest = await manifestOf(name, version, signal)
    const layer = manifest === null ? null : provenanceLayer(manifest)
    return layer === null ? null : beside(name, version, layer, signal)
  }

  /** cosign keeps the signatures of a manifest under a tag that is made of its digest. */
  async function cosign(name: string, version: string): Promise<CosignEvidence> {
    const signal = deadline()
    const manifest = await manifestOf(name, version, signal)
    const layer = manifest === null ? null : chartLayer(manifest)
    if (manifest === null || layer === null || 'fault' in layer) throw new Error(`it no longer has ${name} ${version}`)
    const digest = digestOf(manifest)
    const found = { manifest: digest, archive: layer.digest }
    const reply = await read(name, `manifests/sha256-${digest}.sig`, mediaTypes.manifest, manifestBytes, signal)
    if (reply.status !== 200) return isUnknown(reply) ? { ...found, signatures: [] } : refused(reply)
    const signed = cosignLayers(reply.body).slice(0, mostSignatures)
    const signatures = signed.map(async ({ signature, ...at }) => {
      return { signature, payload: await beside(name, version, at, signal) }
    })
    return { ...found, signatures: await Promise.all(signatures) }
  }

  const lied = (name: string, version: string, what: string) =>
    invalidChart('digest_mismatch', `the ${what} of ${name} ${version} of ${record.name} does not have its digest`)

  return {
    id: record.id,
    name: record.name,
    names: () =>
      named(record.name, async () => {
        const found = await pages(`/v2/_catalog?n=${perPage}`, 'registry:catalog:*', readRepositories)
        if (!isReply(found)) return found.flatMap((repository) => nameBelow(path, repository))
        return isNoCatalog(found, credentials) ? null : refused(found)
      }),
    versions: (name) =>
      isRepositoryPart(name) ? tagLists.get(name, () => named(record.name, () => tags(name))) : Promise.resolve([]),
    offer: (name, version) =>
      named(record.name, async () => {
        const layer = await layerOf(name, version, deadline())
        return layer === null ? null : { version, appVersion: null, digest: layer.digest }
      }),
    fetch: (name, version) => named(record.name, () => archive(name, version, deadline())),
    provenance: (name, version) => named(record.name, () => provenance(name, version)),
    cosign: (name, version) => named(record.name, () => cosign(name, version)),
  }
}

/** A catalogue is what few registries have, and what fewer show to everybody: then its charts are known by their names only. */
function isNoCatalog(reply: Reply, credentials: SourceCredentials | null): boolean {
  const { status, header } = reply
  if (status === 404) return isUnknown(reply) || header('docker-distribution-api-version') !== null
  // Who was given a token by the realm and is refused with it is known, and not allowed.
  if (status === 401)
    return credentials?.kind !== 'bearer' && readChallenge(header('www-authenticate'))?.kind === 'bearer'
  return [403, 405, 501].includes(status)
}

const isReply = (found: readonly string[] | Reply): found is Reply => 'status' in found
const isUnknown = ({ status, body }: Reply): boolean => status === 404 && saysUnknown(body)

function refused({ status }: Reply): never {
  throw new Error(words[status] ?? `it answered ${status}`)
}
const words: Readonly<Record<number, string>> = {
  401: 'it answered 401: credentials are missing, or not the right ones',
  403: 'it answered 403: its credentials do not allow this',
  404: 'it answered 404 and not as a registry does',
}

function listOf(body: Buffer, readPage: (body: Buffer) => readonly string[]): readonly string[] {
  try {
    return readPage(body)
  } catch {
    throw new Error('its list cannot be read')
  }
}

/** The next page of a list, which must be the same list at the same registry. */
function nextPage(link: string | null, from: URL): URL | null {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  if (target === undefined) return null
  const next = URL.canParse(target, from.href) ? new URL(target, from) : null
  if (next?.origin === from.origin && next.pathname === from.pathname) return next
  throw new Error('the next page of its list is elsewhere')
}

const offeredBy = (tag: string): readonly OfferedVersion[] => {
  const version = versionOf(tag)
  return version === null || tagOf(version) === null ? [] : [{ version, appVersion: null, digest: null }]
}

/** The chart of a repository: those deeper than one step below the path are none of this source. */
function nameBelow(path: string, repository: string): readonly string[] {
  const prefix = path === '' ? '' : `${path}/`
  const name = repository.startsWith(prefix) ? repository.slice(prefix.length) : ''
  return isRepositoryPart(name) && chartNamePattern.test(name) ? [name] : []
}
