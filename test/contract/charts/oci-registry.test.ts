import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { ociSource } from '../../../src/charts/sources/oci/source.ts'
import type { ChartSource, SourceRecord } from '../../../src/charts/types.ts'
import { systemResolve } from '../../../src/infra/net/reach.ts'
import { RegistryHand } from '../../support/registry/helm.ts'
import { basicOfUser, password, TokenRealm, user } from '../../support/registry/realm.ts'
import { type Auth, startRegistry, type TestRegistry, testedRegistry } from '../../support/registry/registry.ts'

const versions = ['1.0.0', '1.1.0-rc.1', '1.1.0+build.7', '2.0.0']
const archives = new Map(versions.map((version) => [version, packedFixture('demo', version)]))
const credentials = { kind: 'basic', username: user, password } as const
let now = 0
const clock = { now: () => now, sleep: () => Promise.resolve() }

let folder: string
let realm: TokenRealm
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-realm-'))
  realm = await TokenRealm.start(folder)
})
afterAll(async () => {
  await realm[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** What helm pushed can be read, and what was read is what helm pulls. */
describe.each(['none', 'basic', 'token'] satisfies Auth[])(`${testedRegistry}, auth: %s`, (auth) => {
  let registry: TestRegistry
  let hand: RegistryHand
  beforeAll(async () => {
    registry = await startRegistry(auth, realm)
    hand = await RegistryHand.open([registry.host])
    for (const archive of archives.values()) await hand.push(archive, `${registry.host}/team/charts`)
    await hand.push(packedFixture('demo-two', '1.0.0'), `${registry.host}/team/charts`)
    await hand.push(packedFixture('deeper', '1.0.0'), `${registry.host}/team/charts/more`)
    await hand.push(packedFixture('elsewhere', '1.0.0'), `${registry.host}/other`)
  })
  afterAll(async () => {
    await hand[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    realm.seen.length = 0
  })

  function source(more: Partial<SourceRecord> = {}): ChartSource {
    const authHosts = auth === 'token' ? [realm.host] : []
    const url = `oci://${registry.host}/team/charts`
    const named = { id: 'id', name: 'under-test', type: 'oci', priority: 1, createdAt: 0 } as const
    const own = auth === 'none' ? null : credentials
    return ociSource(
      { ...named, url, credentials: own, authHosts, verify: null, ...more },
      { clock, resolve: systemResolve, timeoutMs: 20_000 },
    )
  }

  test('what was pushed by helm is listed, and nothing from beside the path', async () => {
    expect([...((await source().names()) ?? [])].sort()).toEqual(['demo', 'demo-two'])
    const listed = await source().versions('demo')
    expect(listed.map(({ version }) => version).sort()).toEqual(versions.toSorted())
  })

  test.each(versions)('%s is offered by the digest of its archive, and read as it was pushed', async (version) => {
    const pushed = archives.get(version) ?? Buffer.alloc(0)
    expect(await source().offer('demo', version)).toEqual({ version, appVersion: null, digest: digestOf(pushed) })
    expect(await source().fetch('demo', version)).toEqual(pushed)
    expect(await hand.pull(`${registry.host}/team/charts/demo`, version)).toEqual(pushed)
  })

  test('what it does not have is not there, which is no failure', async () => {
    expect(await source().versions('unknown')).toEqual([])
    expect(await source().offer('unknown', '1.0.0')).toBeNull()
    expect(await source().offer('demo', '9.0.0')).toBeNull()
    expect(await source().offer('Demo', '1.0.0')).toBeNull()
    expect(await source().versions('Demo')).toEqual([])
    expect(await source().offer('demo', 'no version')).toBeNull()
  })

  const wrongOnes = auth === 'none' ? [] : [null, { ...credentials, password: 'canary-wrong' }]
  test.each(wrongOnes)('with the credentials %j it is unavailable, by its name and for its reason', async (wrong) => {
    const reasons = {
      none: '',
      basic: 'it answered 401: credentials are missing, or not the right ones',
      token: 'its token realm answered 401',
    }
    const error = await source({ credentials: wrong })
      .versions('demo')
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'unavailable',
      message: `the chart source under-test cannot be used: ${reasons[auth]}`,
      extra: { source: 'under-test' },
    })
  })

  if (auth !== 'token') return

  test('a token is asked for with the scope that it takes, once for its time', async () => {
    const own = source()
    for (let i = 0; i < 3; i += 1) await own.fetch('demo', '1.0.0')
    const pull = { scope: 'repository:team/charts/demo:pull', authorization: basicOfUser }
    expect(realm.seen).toEqual([pull])
    now += 240_000
    await own.fetch('demo', '1.0.0')
    expect(realm.seen).toEqual([pull, pull])
  })

  test('a realm that is not in authHosts is not asked', async () => {
    await expect(source({ authHosts: ['auth.test'] }).versions('demo')).rejects.toMatchObject({
      message: `the chart source under-test cannot be used: its token realm ${realm.host} is not in authHosts`,
    })
    expect(realm.seen).toEqual([])
  })
})
