import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { list } from 'tar'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { JsonObject } from '../../../core/json.ts'
import { helmYaml } from '../../helm-yaml.ts'
import { decodeRelease, encodeRelease, readRelease } from './codec.ts'
import { UnreadableRecordError } from './record.ts'
import { repackChart, SubchartsUnrecorded } from './repack.ts'
import { endedSecret, readMetadata, readSecret } from './secret.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const raw = {
  name: 'web',
  namespace: 'ns',
  version: 3,
  info: {
    status: 'pending-upgrade',
    description: 'Preparing upgrade',
    first_deployed: 'F',
    last_deployed: 'L',
    notes: 'n',
  },
  chart: {
    metadata: { name: 'shop', version: '1.2.0', appVersion: '9', apiVersion: 'v2' },
    templates: [{ name: 'templates/a.yaml', data: base64('kind: A') }],
    values: { a: 1 },
    schema: base64('{}'),
    files: [{ name: 'README.md', data: base64('hello') }],
  },
  config: { replicas: 2 },
  manifest: '---\nkind: A\n',
  hooks: [{ name: 'h', kind: 'Job' }],
  apply_method: 'ssa',
  later: { unknown: true },
}

const metadata = (more: JsonObject = {}, labels: JsonObject = {}): JsonObject => ({
  name: 'sh.helm.release.v1.web.v3',
  namespace: 'ns',
  uid: 'U',
  resourceVersion: '77',
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels: {
    owner: 'helm',
    name: 'web',
    status: 'pending-upgrade',
    version: '3',
    modifiedAt: '1',
    'flotilla.dev/operation': 'OP',
    ...labels,
  },
  ...more,
})

const secret = (more: JsonObject = {}, content: JsonObject = raw): JsonObject => ({
  metadata: metadata(),
  type: 'helm.sh/release.v1',
  data: { release: encodeRelease(content) },
  ...more,
})

const chartOf = (metadata: JsonObject): JsonObject => ({
  ...raw,
  chart: { ...raw.chart, metadata: { ...raw.chart.metadata, ...metadata } },
})

describe('the encoding', () => {
  test("is helm's: base64 of base64 of gzip of JSON, and comes back as it was", () => {
    expect(decodeRelease(base64(gzipSync('{"a":1}').toString('base64')))).toEqual({ a: 1 })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (content) => {
        const json = JSON.parse(JSON.stringify(content)) as JsonObject
        expect(decodeRelease(encodeRelease(json))).toEqual(json)
      }),
    )
  })

  test.each([
    ['nothing', ''],
    ['no gzip', base64(base64('hello'))],
    ['no JSON', base64(gzipSync('CANARY').toString('base64'))],
    ['no object', base64(gzipSync('[1]').toString('base64'))],
    ['too large a content', base64(gzipSync(Buffer.alloc((32 << 20) + 1, 32)).toString('base64'))],
  ])('%s is unreadable, and nothing of it is told', (_what, data) => {
    expect(() => decodeRelease(data)).toThrow(UnreadableRecordError)
    expect(() => decodeRelease(data)).not.toThrow(/CANARY/)
  })
})

test('a record that unpacks to 700 MB is unreadable, and memory stays where it was', () => {
  const packed = gzipSync(Buffer.alloc(70 << 20), { level: 9 })
  const bomb = Buffer.concat(Array.from({ length: 10 }, () => packed))
  const data = Buffer.from(bomb.toString('base64'), 'latin1').toString('base64')
  expect(Buffer.from(data, 'base64').length).toBeLessThan(1 << 20)
  const before = process.resourceUsage().maxRSS
  for (let round = 0; round < 10; round++) expect(() => decodeRelease(data)).toThrow(UnreadableRecordError)
  // What it would take is 700 MB; 32 MiB are unpacked before it is given up.
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(200)
})

describe('a record', () => {
  test('is read', () => {
    const stored = readSecret(secret())
    expect(stored.record).toMatchObject({
      name: 'web',
      namespace: 'ns',
      version: 3,
      info: { status: 'pending-upgrade', description: 'Preparing upgrade', firstDeployed: 'F', lastDeployed: 'L' },
      chart: { metadata: { name: 'shop', version: '1.2.0', appVersion: '9' } },
      config: { replicas: 2 },
      applyMethod: 'ssa',
    })
    expect(stored).toMatchObject({ uid: 'U', resourceVersion: '77', labels: { 'flotilla.dev/operation': 'OP' } })
  })

  test('may lack what helm leaves out', () => {
    const { config: _c, hooks: _h, manifest: _m, apply_method: _a, ...little } = raw
    expect(readRelease(little)).toMatchObject({ config: {}, hooks: [], manifest: '', applyMethod: null })
  })

  test.each<[string, JsonObject]>([
    ['of another type', secret({ type: 'Opaque' })],
    ['with the content of another release', secret({}, { ...raw, name: 'other' })],
    ['with the content of another namespace', secret({}, { ...raw, namespace: 'other' })],
    ['with another number', secret({}, { ...raw, version: 4 })],
    ['with an unknown status', secret({}, { ...raw, info: { status: 'fine' } })],
    ['without a number', secret({}, { ...raw, version: 'x' })],
    ['named for another', secret({ metadata: metadata({ name: 'sh.helm.release.v1.other.v3' }) })],
    ['labelled for another', secret({ metadata: metadata({}, { name: 'other' }) })],
    ['without its owner', secret({ metadata: metadata({}, { owner: 'chart' }) })],
    ['without data', secret({ data: {} })],
    ['of a chart whose name is too long', secret({}, chartOf({ name: 'x'.repeat(257) }))],
    ['of a chart whose version is too long', secret({}, chartOf({ version: `1.0.0-${'x'.repeat(251)}` }))],
    [
      'with a number that is too high',
      secret(
        { metadata: metadata({ name: 'sh.helm.release.v1.web.v2147483648' }, { version: '2147483648' }) },
        { ...raw, version: 2_147_483_648 },
      ),
    ],
  ])('%s is unreadable', (_what, forged) => expect(() => readSecret(forged)).toThrow(UnreadableRecordError))

  test('has the status of its content, whatever its label says (docs/adr/0065)', () => {
    const raced = secret({ metadata: metadata({}, { status: 'failed' }) })
    expect(readSecret(raced).record.info.status).toBe('pending-upgrade')
    const ended = readSecret(endedSecret(readSecret(raced), { status: 'failed', description: 'cut' }, new Date(5_000)))
    expect(ended.record.info.status).toBe('failed')
  })

  test('is read whatever its texts hold: what cannot be kept is replaced', () => {
    const { info } = raw
    const forged = { ...chartOf({ version: '1.0.0\0', appVersion: '\ud800' }), info: { ...info, description: 'a\0b' } }
    expect(readSecret(secret({}, forged)).record).toMatchObject({
      info: { description: 'a\ufffdb' },
      chart: { metadata: { version: '1.0.0\ufffd', appVersion: '\ufffd' } },
    })
  })

  test('its metadata alone tell the revision', () => {
    expect(readMetadata(metadata())).toEqual({
      name: 'web',
      namespace: 'ns',
      version: 3,
      status: 'pending-upgrade',
      uid: 'U',
      resourceVersion: '77',
      createdAt: '2026-01-01T00:00:00Z',
      operationId: 'OP',
    })
  })
})

test.each([{ status: 'failed', description: 'interrupted' }, { status: 'superseded' }] as const)(
  'to end a revision as $status changes status, reason and their label, and nothing else',
  (ending) => {
    const ended = endedSecret(readSecret(secret()), ending, new Date(5_000))
    expect(ended).toMatchObject({ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1' })
    expect(ended.metadata).toEqual(metadata({}, { status: ending.status, modifiedAt: '5' }))
    const { release } = ended.data as { release: string }
    expect(decodeRelease(release)).toEqual({ ...raw, info: { ...raw.info, ...ending } })
    expect(readSecret(ended).record.info.status).toBe(ending.status)
  },
)

describe('the chart of a record', () => {
  async function unpack(archive: Buffer): Promise<Record<string, string>> {
    const files: Record<string, string> = {}
    const parser = list({
      onReadEntry: (entry) =>
        void entry.on('data', (data) => {
          files[entry.path] = (files[entry.path] ?? '') + data.toString()
        }),
    })
    await new Promise((resolve) => parser.on('end', resolve).end(archive))
    return files
  }
  const withFile = (name: string) =>
    readRelease({ ...raw, chart: { ...raw.chart, files: [{ name, data: base64('x') }] } })

  test('is packed again, each time the same', async () => {
    const archive = await repackChart(readRelease(raw))
    expect(await unpack(archive)).toEqual({
      'shop/Chart.yaml': 'name: shop\nversion: 1.2.0\nappVersion: "9"\napiVersion: v2\n',
      'shop/values.yaml': 'a: 1\n',
      'shop/values.schema.json': '{}',
      'shop/templates/a.yaml': 'kind: A',
      'shop/README.md': 'hello',
    })
    expect(archive.equals(await repackChart(readRelease(raw)))).toBe(true)
  })

  test('text that helm would take for something else is still text', async () => {
    const words = { a: 'yes', n: 'off', b: '010', c: '0o10', d: '1_000', e: '~', f: '1e3' }
    const files = await unpack(await repackChart(readRelease({ ...raw, chart: { ...raw.chart, values: words } })))
    expect(parse(files['shop/values.yaml'] ?? '', helmYaml)).toEqual(words)
  })

  test('a long path survives', async () => {
    const name = `${'deep/'.repeat(60)}x`
    expect(await unpack(await repackChart(withFile(name)))).toHaveProperty([`shop/${name}`], 'x')
  })

  test.each(['../x', 'a/../../x', '/etc/x', 'a//x', './x', 'a\\..\\x', ''])('"%s" is refused', async (name) => {
    await expect(repackChart(withFile(name))).rejects.toThrow(UnreadableRecordError)
  })

  test('a file that is there twice is refused: one would take the place of the other', async () => {
    await expect(repackChart(withFile('Chart.yaml'))).rejects.toThrow(UnreadableRecordError)
  })

  test('one with subcharts, which helm does not keep, is refused', async () => {
    const dependencies = [{ name: 'db', version: '1.0.0' }]
    const record = readRelease({ ...raw, chart: { ...raw.chart, metadata: { ...raw.chart.metadata, dependencies } } })
    await expect(repackChart(record)).rejects.toThrow(SubchartsUnrecorded)
  })

  test('so is one whose subcharts the values disable: helm names them in the lock alone', async () => {
    const locked = (dependencies: object[]) =>
      readRelease({ ...raw, chart: { ...raw.chart, lock: { digest: 'sha256:1', dependencies } as JsonObject } })
    await expect(repackChart(locked([{ name: 'db', version: '1.0.0' }]))).rejects.toThrow(SubchartsUnrecorded)
    await expect(repackChart(locked([]))).resolves.toBeInstanceOf(Buffer)
  })
})
