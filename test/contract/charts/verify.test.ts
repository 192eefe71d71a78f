import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { createCharts } from '../../../src/charts/charts.ts'
import { mediaTypes } from '../../../src/charts/sources/oci/manifest.ts'
import { openSource } from '../../../src/charts/sources/open.ts'
import { chartStore } from '../../../src/charts/store.ts'
import type { ChartSource, SourceRecord, SourceVerify } from '../../../src/charts/types.ts'
import { closeWorkspace, Gateway, HelmProcess, openWorkspace, type Workspace } from '../../../src/infra/helm/index.ts'
import { systemResolve } from '../../../src/infra/net/reach.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { testedHelm } from '../../support/tested-helm.ts'
import { indexFile, RepositoryServer } from './repository-server.ts'

// `signed/` holds the provenance of this chart, made with the key `trusted`, as `helm package --sign` writes it.
const demo = packedFixture('demo', '1.0.0')
const other = packedFixture('demo', '1.0.0', { 'README.md': 'other bytes' })
const signed = (file: string): Promise<Buffer> => readFile(new URL(`signed/${file}`, import.meta.url))

const clock = { now: () => Date.now(), sleep: () => Promise.resolve() }
let folder: string
let workspace: Workspace
let gateway: Gateway
let helm: HelmProcess
let provenance: Buffer
let trusted: SourceVerify
let stranger: SourceVerify
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-verify-'))
  workspace = await openWorkspace(join(folder, 'work'))
  gateway = await Gateway.open({ clock })
  helm = new HelmProcess({ binary: await testedHelm(), gateway, workspace, clock })
  provenance = await signed('demo-1.0.0.tgz.prov')
  trusted = { provenanceKeys: String(await signed('trusted.asc')) }
  stranger = { provenanceKeys: String(await signed('stranger.asc')) }
})
afterAll(async () => {
  await gateway.close()
  await closeWorkspace(workspace)
  await rm(folder, { recursive: true })
})

let server: RepositoryServer
beforeEach(async () => {
  server = await RepositoryServer.start()
})
afterEach(() => server[Symbol.asyncDispose]())

const record = (more: Pick<SourceRecord, 'type' | 'url' | 'verify'>): SourceRecord => ({
  ...{ id: '00000000-0000-4000-8000-000000000001', name: 'team', priority: 1, createdAt: 0 },
  ...{ credentials: null, authHosts: [], ...more },
})
const open = (more: Pick<SourceRecord, 'type' | 'url' | 'verify'>): ChartSource =>
  openSource(record(more), { clock, resolve: systemResolve, timeoutMs: 10_000, folders: [folder], helm })
const refused = (why: string) => ({
  code: 'chart_unverified',
  message: `demo 1.0.0 of team: ${why}`,
  extra: { source: 'team' },
})

const repository = (archive: Buffer, prov: Buffer | null): void => {
  const url = '/charts/demo-1.0.0.tgz'
  server.files.set('/index.yaml', indexFile([{ name: 'demo', version: '1.0.0', url }]))
  server.files.set(url, archive)
  if (prov !== null) server.files.set(`${url}.prov`, prov)
}

type Layer = { readonly mediaType: string; readonly bytes: Buffer; readonly annotations?: Record<string, string> }

/** Puts a manifest of these layers under a tag; returns its digest. */
function push(tag: string, layers: readonly Layer[], config: string = mediaTypes.config): string {
  for (const { bytes } of layers) server.files.set(`/v2/demo/blobs/sha256:${digestOf(bytes)}`, bytes)
  const described = layers.map(({ mediaType, bytes, annotations }) => {
    return { mediaType, size: bytes.length, digest: `sha256:${digestOf(bytes)}`, ...(annotations && { annotations }) }
  })
  const manifest = JSON.stringify({ schemaVersion: 2, config: { mediaType: config }, layers: described })
  server.files.set(`/v2/demo/manifests/${tag}`, manifest)
  return createHash('sha256').update(manifest).digest('hex')
}
const unknown = (path: string) =>
  server.handlers.set(path, (_, response) => response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'))

const chartLayer: Layer = { mediaType: mediaTypes.content[0], bytes: demo }
const registry = (...more: readonly Layer[]): string => push('1.0.0', [chartLayer, ...more])

const places: Readonly<
  Record<string, (archive: Buffer, prov: Buffer | null) => Promise<Omit<Parameters<typeof open>[0], 'verify'>>>
> = {
  async http(archive, prov) {
    repository(archive, prov)
    return { type: 'http', url: server.url }
  },
  async oci(archive, prov) {
    const layers = [{ ...chartLayer, bytes: archive }]
    push('1.0.0', prov === null ? layers : [...layers, { mediaType: mediaTypes.provenance, bytes: prov }])
    return { type: 'oci', url: server.url.replace('http:', 'oci:') }
  },
  async folder(archive, prov) {
    const url = await mkdtemp(join(folder, 'charts-'))
    await writeFile(join(url, 'demo-1.0.0.tgz'), archive)
    if (prov !== null) await writeFile(join(url, 'demo-1.0.0.tgz.prov'), prov)
    return { type: 'folder', url }
  },
}

describe.each(Object.keys(places))('provenance of a chart in a source of type %s', (type) => {
  const at = async (archive: Buffer, prov: Buffer | null, verify: SourceVerify) => {
    const place = await places[type]?.(archive, prov)
    if (place === undefined) throw new Error(type)
    return open({ ...place, verify }).fetch('demo', '1.0.0')
  }

  test('that one of the keys has made lets the chart through', async () => {
    expect(await at(demo, provenance, trusted)).toEqual(demo)
    const both = `${'provenanceKeys' in stranger && stranger.provenanceKeys}\n${'provenanceKeys' in trusted && trusted.provenanceKeys}`
    expect(await at(demo, provenance, { provenanceKeys: both })).toEqual(demo)
  })

  test('is missing, a strangers, of other bytes, altered or none at all', async () => {
    await expect(at(demo, null, trusted)).rejects.toMatchObject(refused('it has no provenance'))
    await expect(at(demo, provenance, stranger)).rejects.toMatchObject(
      refused('its provenance is signed by a key that the source does not trust'),
    )
    await expect(at(other, provenance, trusted)).rejects.toMatchObject(refused('its provenance is that of other bytes'))
    const forged = Buffer.from(String(provenance).replaceAll(digestOf(demo), digestOf(other)))
    const broken = refused('its provenance cannot be read, or its signature is not right')
    await expect(at(other, forged, trusted)).rejects.toMatchObject(broken)
    await expect(at(demo, Buffer.from('nothing'), trusted)).rejects.toMatchObject(broken)
  })
})

describe('cosign', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }))
  const payload = (manifest: string) =>
    Buffer.from(
      JSON.stringify({
        critical: {
          identity: { 'docker-reference': '' },
          image: { 'docker-manifest-digest': `sha256:${manifest}` },
          type: 'cosign container image signature',
        },
        optional: null,
      }),
    )
  const layer = (bytes: Buffer, key: KeyObject, algorithm: string | null = 'sha256'): Layer => ({
    mediaType: mediaTypes.cosign,
    bytes,
    annotations: { 'dev.cosignproject.cosign/signature': sign(algorithm, bytes, key).toString('base64') },
  })
  const fetched = (key = pair.publicKey) =>
    open({ type: 'oci', url: server.url.replace('http:', 'oci:'), verify: { cosignKey: pem(key) } }).fetch(
      'demo',
      '1.0.0',
    )

  test.each([
    ['ECDSA', pair, 'sha256'],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
    ['Ed25519', generateKeyPairSync('ed25519'), null],
  ] as const)('a signature by %s lets the chart through', async (_, { privateKey, publicKey }, algorithm) => {
    const manifest = registry()
    push(`sha256-${manifest}.sig`, [layer(payload(manifest), privateKey, algorithm)])
    expect(await fetched(publicKey)).toEqual(demo)
  })

  test('one of several signatures is enough', async () => {
    const manifest = registry()
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    push(`sha256-${manifest}.sig`, [layer(payload(manifest), foreign), layer(payload(manifest), pair.privateKey)])
    expect(await fetched()).toEqual(demo)
  })

  test('a missing signature, a stranger, and one that was made for another manifest are refused', async () => {
    const manifest = registry()
    const tag = `sha256-${manifest}.sig`
    unknown(`/v2/demo/manifests/${tag}`)
    await expect(fetched()).rejects.toMatchObject(refused('it has no signature of cosign'))
    server.handlers.clear()
    push(tag, [layer(payload(manifest), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)])
    await expect(fetched()).rejects.toMatchObject(refused('its signatures are not made with the key of the source'))
    push(tag, [layer(payload('0'.repeat(64)), pair.privateKey)])
    await expect(fetched()).rejects.toMatchObject(refused('its signature is that of another manifest'))
    push(tag, [{ ...layer(payload(manifest), pair.privateKey), bytes: payload('1'.repeat(64)) }])
    await expect(fetched()).rejects.toMatchObject(refused('its signatures are not made with the key of the source'))
  })

  test('a registry that does not answer is unavailable, never unsigned', async () => {
    const manifest = registry()
    server.handlers.set(`/v2/demo/manifests/sha256-${manifest}.sig`, (_, response) => response.writeHead(500).end())
    await expect(fetched()).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a chart that is kept', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(() => database.close())

  const resolve = (source: ChartSource) =>
    createCharts({ store: chartStore(database.db), sources: () => Promise.resolve([source]), clock }).resolve(
      'demo',
      '1.0.0',
    )

  test('of an unsigned source is no way past a source that asks for signatures', async () => {
    registry()
    const url = server.url.replace('http:', 'oci:')
    await resolve(open({ type: 'oci', url, verify: null }))
    const id = '00000000-0000-4000-8000-000000000002'
    const asks = (verify: SourceVerify) =>
      openSource(
        { ...record({ type: 'oci', url, verify }), id },
        { clock, resolve: systemResolve, timeoutMs: 10_000, folders: [], helm },
      )
    await expect(resolve(asks(trusted))).rejects.toMatchObject({ code: 'chart_unverified' })
    push('1.0.0', [chartLayer, { mediaType: mediaTypes.provenance, bytes: provenance }])
    expect(await resolve(asks(trusted))).toMatchObject({ digest: digestOf(demo) })
    server.seen.length = 0
    expect(await resolve(asks(trusted))).toMatchObject({ digest: digestOf(demo) })
    expect(server.seen.map(({ path }) => path)).toEqual(['/v2/demo/manifests/1.0.0'])
  })
})
