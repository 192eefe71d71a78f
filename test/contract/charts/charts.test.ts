import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { type Charts, createCharts } from '../../../src/charts/charts.ts'
import { offerFrom } from '../../../src/charts/sources/find.ts'
import { chartStore } from '../../../src/charts/store.ts'
import type { ChartSource } from '../../../src/charts/types.ts'
import { Problem } from '../../../src/core/problems.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const demo = packedFixture('demo', '1.0.0')
const other = packedFixture('demo', '1.0.0', { 'README.md': 'other bytes' })

/** A source in memory that counts what it is asked, tells digests when it is to, and can be down. */
class FakeSource implements ChartSource {
  readonly id = '00000000-0000-4000-8000-000000000001'
  readonly name = 'fake'
  readonly archives = new Map<string, Buffer>([['demo 1.0.0', demo]])
  tellsDigests = false
  down = false
  fetches = 0

  names = async () => this.#up([...new Set([...this.archives.keys()].map((key) => key.split(' ')[0] ?? ''))])
  versions = async (name: string) =>
    this.#up(
      [...this.archives].flatMap(([key, bytes]) => {
        const [chart, version = ''] = key.split(' ')
        const digest = this.tellsDigests ? digestOf(bytes) : null
        return chart === name ? [{ version, appVersion: null, digest }] : []
      }),
    )
  offer = offerFrom((name) => this.versions(name))
  fetch = async (name: string, version: string) => {
    this.fetches += 1
    return this.#up(this.archives.get(`${name} ${version}`) ?? Buffer.alloc(0))
  }

  #up<T>(value: T): T {
    if (this.down) throw new Problem('unavailable', 'fake is down')
    return value
  }
}

let database: FreshDatabase
let source: FakeSource
let now: number
beforeEach(async () => {
  database = await freshDatabase()
  source = new FakeSource()
  now = Date.UTC(2025, 0, 1)
})
afterEach(() => database.close())

/** As a server that has just started sees it: nothing in memory. */
function server(): Charts {
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  return createCharts({ store: chartStore(database.db), sources: () => Promise.resolve([source]), clock })
}

describe.each([true, false])('a source that tells digests: %j', (tellsDigests) => {
  beforeEach(() => {
    source.tellsDigests = tellsDigests
  })

  test('a chart is found, kept, and given out by its digest', async () => {
    const charts = server()
    const chart = await charts.resolve('demo', '1.0.0')
    expect(chart).toEqual({ digest: digestOf(demo), name: 'demo', version: '1.0.0', appVersion: '1', hasHooks: false })
    expect(await charts.archive(chart.digest)).toEqual(demo)
    expect(await server().archive(chart.digest)).toEqual(demo)
    expect(await server().resolve('demo', '1.0.0')).toEqual(chart)
  })

  test('other bytes for a known version are 409, until they have their own version', async () => {
    await server().resolve('demo', '1.0.0')
    source.archives.set('demo 1.0.0', other)
    const changed = { code: 'digest_changed', extra: { kept: digestOf(demo), now: digestOf(other) } }
    await expect(server().resolve('demo', '1.0.0')).rejects.toMatchObject(changed)
    await expect(server().resolve('demo', '1.0.0')).rejects.toMatchObject(changed)
    expect(await server().archive(digestOf(demo))).toEqual(demo)
    await expect(server().archive(digestOf(other))).rejects.toMatchObject({ code: 'chart_not_found' })
  })

  test('what is kept goes on working while the source is down, or has removed it', async () => {
    const chart = await server().resolve('demo', '1.0.0')
    source.down = true
    expect(await server().resolve('demo', '1.0.0')).toEqual(chart)
    await expect(server().resolve('demo', '1.1.0')).rejects.toMatchObject({ code: 'unavailable' })
    source.down = false
    source.archives.clear()
    expect(await server().resolve('demo', '1.0.0')).toEqual(chart)
    await expect(server().resolve('demo', '1.1.0')).rejects.toMatchObject({ code: 'chart_not_found' })
  })
})

test('what is kept does not wait for a source that hangs', async () => {
  const chart = await server().resolve('demo', '1.0.0')
  const hanging = { ...source, offer: () => new Promise<never>(() => {}) }
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const sources = () => Promise.resolve([hanging])
  const restarted = createCharts({ store: chartStore(database.db), sources, clock, keptWaitMs: 50 })
  expect(await restarted.resolve('demo', '1.0.0')).toEqual(chart)
})

test('a chart that was never kept fails with what its source says', async () => {
  source.down = true
  await expect(server().resolve('demo', '1.0.0')).rejects.toMatchObject({ code: 'unavailable' })
})

test('many who ask at once make one download, and a batch looks up once in a while', async () => {
  const charts = server()
  await Promise.all(Array.from({ length: 20 }, () => charts.resolve('demo', '1.0.0')))
  for (let i = 0; i < 20; i += 1) await charts.resolve('demo', '1.0.0')
  expect(source.fetches).toBe(1)
  now += 10_000
  await charts.resolve('demo', '1.0.0')
  expect(source.fetches).toBe(2)
})

test('two servers that meet different bytes at the same moment keep one of them', async () => {
  const second = new FakeSource()
  second.archives.set('demo 1.0.0', other)
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const elsewhere = createCharts({ store: chartStore(database.db), sources: () => Promise.resolve([second]), clock })
  const ends = await Promise.allSettled([server().resolve('demo', '1.0.0'), elsewhere.resolve('demo', '1.0.0')])
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(ends.find((end) => end.status === 'rejected')?.reason).toMatchObject({ code: 'digest_changed' })
})

test('a source with another chart in the place of this one is refused', async () => {
  source.archives.set('demo 1.1.0', demo)
  source.archives.set('other 1.0.0', demo)
  for (const [name, version] of [
    ['demo', '1.1.0'],
    ['other', '1.0.0'],
  ] as const) {
    await expect(server().resolve(name, version)).rejects.toMatchObject({ extra: { reason: 'other_chart' } })
  }
})

test('a name that is a path is malformed', async () => {
  await expect(server().resolve('../demo', '1.0.0')).rejects.toMatchObject({ code: 'malformed' })
})

describe('an adopted chart', () => {
  test('is kept, and neither is the chart of a source nor stands in its way', async () => {
    const adopted = await server().adopt(other)
    expect(await server().archive(adopted.digest)).toEqual(other)
    expect((await server().resolve('demo', '1.0.0')).digest).toBe(digestOf(demo))
  })

  test('that a source gives as well becomes the chart of the source', async () => {
    await server().adopt(demo)
    await server().resolve('demo', '1.0.0')
    source.archives.set('demo 1.0.0', other)
    await expect(server().resolve('demo', '1.0.0')).rejects.toMatchObject({ code: 'digest_changed' })
  })

  test('that is damaged is refused', async () => {
    await expect(server().adopt(Buffer.from('x'))).rejects.toMatchObject({ code: 'chart_invalid' })
  })
})

test('the texts of marked values are told, of the defaults and of charts inside too', async () => {
  const schema = { properties: { password: { format: 'password' }, keys: { writeOnly: true } } }
  const files = { 'values.schema.json': JSON.stringify(schema), 'values.yaml': 'password: by-default\nplain: text\n' }
  const charts = server()
  const { digest } = await charts.adopt(packedFixture('marking', '1.0.0', files))
  const values = { password: 'canary', keys: { a: ['one', 2345], b: true }, plain: 'shown' }
  expect(await charts.secrets(digest, values)).toEqual(['canary', 'one', '2345', 'by-default'])
  const plain = await charts.adopt(packedFixture('unmarked', '1.0.0', {}))
  expect(await charts.secrets(plain.digest, values)).toEqual([])
  expect(await charts.secrets(null, { plain: 'all', of: 12 })).toEqual(['all', '12'])
})

test('values are shown as the schemas of the chart allow, of an unknown one only their shape', async () => {
  const schema = { properties: { password: { format: 'password' } } }
  const chart = packedFixture('secretive', '1.0.0', { 'values.schema.json': JSON.stringify(schema) })
  const charts = server()
  const { digest } = await charts.adopt(chart)
  const values = { password: 'canary', replicaCount: 2 }
  expect(await server().redact(digest, values)).toEqual({ password: '***', replicaCount: 2 })
  expect(await charts.redact(null, values)).toEqual({ password: '***', replicaCount: '***' })
  expect(await charts.redact('0'.repeat(64), values)).toEqual({ password: '***', replicaCount: '***' })
})
