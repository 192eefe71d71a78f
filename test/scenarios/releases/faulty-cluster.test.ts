import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { chanceOfRun } from '../../support/chance.ts'
import { type Asked, type Fault, type FaultyApiServer, someFaults } from '../../support/faulty-api-server.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultyWorld, openFaultyWorld } from '../support/faulty-world.ts'
import type { ReleaseHandle } from '../support/releases.ts'
import type { World } from '../support/world.ts'

let opened: FaultyWorld
let server: FaultyApiServer
let world: World
beforeAll(async () => {
  opened = await openFaultyWorld()
  ;({ server, world } = opened)
})
afterEach(() => server.faults(() => null))
afterAll(() => opened?.close())

const writes = ({ method }: Asked): boolean => method !== 'GET'
const busy: Fault = { kind: 'status', status: 429, retryAfterSeconds: 1 }
const broken: Fault = { kind: 'status', status: 500 }

/** What Flotilla says of a release is what Helm has, however its last operation ended. */
async function expectTrue(release: ReleaseHandle): Promise<void> {
  const told = await release.read()
  const records = await world.cluster.records(release.namespace, release.name)
  if (told.status === 'UNINSTALLED') return expect(records).toEqual([])
  const newest = records.at(-1)
  expect(told.revision).toBe(newest?.version)
  expect([told.status, newest?.info.status]).toEqual(
    newest?.info.status === 'deployed' ? ['DEPLOYED', 'deployed'] : ['FAILED', 'failed'],
  )
  expect(records.filter(({ info }) => info.status === 'deployed').length).toBeLessThanOrEqual(1)
  expect(records.filter(({ info }) => info.status.startsWith('pending'))).toEqual([])
}

test.each([
  ['429 to everything', busy],
  ['500 to everything', broken],
  ['503 to everything', { kind: 'status', status: 503 }],
  ['connections that break', { kind: 'cut', when: 'before' }],
] satisfies [string, Fault][])('%s: an operation waits with its reason, and then succeeds', async (_name, fault) => {
  const release = await world.place().installed()
  server.faults(() => fault)
  server.cutWatches()
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { word: 'b' } })
  const waiting = await operation.until('says so', ({ waitingFor }) => waitingFor?.reason === 'CLUSTER_UNREADABLE')
  expect(waiting.waitingFor?.detail).toMatch(/^the cluster /)
  server.faults(() => null)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED', error: null })
  await expectTrue(release)
})

test('500 to every write of helm: the operation fails, says why, and the next one succeeds', async () => {
  const release = await world.place().installed()
  server.faults((asked) => (writes(asked) ? broken : null))
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { word: 'b' } })
  const failed = await operation.ended()
  expect(failed).toMatchObject({ status: 'FAILED', error: { code: expect.any(String), detail: expect.any(String) } })
  server.faults(() => null)
  await expectTrue(release)
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  ok(await release.upgrade({ valuesOverride: { word: 'c' } }))
  expect(JSON.parse((await world.cluster.config(release.namespace, 'app'))?.values ?? '')).toMatchObject({ word: 'c' })
})

test.each([
  ['POST', '/upgrade', { valuesOverride: { word: 'b' } }],
  ['POST', '/rollback', { targetRevision: 1 }],
  ['DELETE', '', undefined],
] as const)(
  '500 to helm for its records: %s %s fails, the release is as it was (docs/adr/0044)',
  async (method, command, body) => {
    const release = await world.place().installed()
    ok(await release.upgrade({ valuesOverride: { word: 'a' } }))
    const before = await release.read()
    server.faults(({ as, path }) => (as !== null && path.includes('/secrets') ? broken : null))
    const operation = await release.begin(method, command, body)
    expect(await operation.ended()).toMatchObject({ status: 'FAILED', error: { code: 'helm_failed' } })
    server.faults(() => null)
    const { updatedAt: _, health: __, ...told } = await release.read()
    expect(before).toMatchObject({ ...told, status: 'DEPLOYED', revision: 2 })
    expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
    await expectTrue(release)
  },
)

test('the cluster refuses once that the revision before is called superseded: helm goes on, and it is put right', async () => {
  const release = await world.place().installed()
  let refused = 0
  server.faults(({ method, path }) => {
    if (method !== 'PUT' || !path.includes(`${release.namespace}/secrets/sh.helm.release.v1.${release.name}.v1`))
      return null
    return refused++ === 0 ? broken : null
  })
  ok(await release.upgrade({ valuesOverride: { word: 'b' } }))
  const records = await world.cluster.records(release.namespace, release.name)
  expect(records.map(({ version, info }) => `${version} ${info.status}`)).toEqual(['1 superseded', '2 deployed'])
  expect(refused).toBeGreaterThan(1)
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
})

test('what a rollback overwrites is told as not known where the cluster does not tell it', async () => {
  const release = await world.place().installed()
  ok(await release.upgrade({ valuesOverride: { word: 'b' } }))
  server.faults(({ path }) => (path.includes('dryRun=All') ? broken : null))
  const operation = await release.begin('POST', '/rollback', { targetRevision: 1 })
  const { status, result } = await operation.ended()
  expect(status).toBe('SUCCEEDED')
  expect(result).toMatchObject({ overwritten: [], overwrittenIncomplete: expect.stringContaining('objects') })
})

test('watches that are cut, and then have nothing to go on from, hide nothing', async () => {
  const release = await world.place().installed()
  // What is seen so proves that the watch is there, and has something to go on from.
  await rolledBackByHand(release, 2)
  const expired = new Set<string>()
  server.faults(({ path, watch }) => {
    const { pathname, searchParams } = new URL(path, 'http://localhost')
    if (!watch || searchParams.has('sendInitialEvents') || expired.has(pathname)) return null
    expired.add(pathname)
    return { kind: 'expired' }
  })
  server.cutWatches()
  await rolledBackByHand(release, 3)
  expect([...expired].filter((path) => path.endsWith('/secrets'))).toHaveLength(1)
})

/** Another hand goes back to the first revision, which Flotilla sees. */
async function rolledBackByHand(release: ReleaseHandle, revision: number): Promise<void> {
  await world.hand.helm('rollback', release.name, '1', '--namespace', release.namespace)
  await eventually(`revision ${revision} is seen`, async () => {
    const now = await release.read()
    return now.revision === revision && now.status === 'DEPLOYED' && now.performedBy === 'external'
  })
}

test('whatever one request in ten meets, every operation ends once and what is said of a release is true', async () => {
  const releases = await Promise.all(Array.from({ length: 3 }, () => world.place().installed()))
  server.faults(someFaults(0.1, chanceOfRun()))
  await Promise.all(releases.map((release) => life(release)))
  server.faults(() => null)
  for (const release of releases) await eventually('true', () => trueOf(release))
  // The release is in order for whatever comes next.
  for (const release of releases) ok(await release.uninstall())
  for (const { namespace, name } of releases) expect(await world.cluster.config(namespace, name)).toBeNull()
})

const trueOf = (release: ReleaseHandle) => expectTrue(release).then(() => true)

/** Upgrades and rollbacks, one after the other. */
async function life(release: ReleaseHandle): Promise<void> {
  for (const word of ['b', 'c', 'd', 'e']) {
    await expectEnd(release, '/upgrade', { valuesOverride: { word }, timeout: 20 })
    if (word === 'c' && (await hasDeployedBefore(release)))
      await expectEnd(release, '/rollback/last-successful', { timeout: 20 })
  }
}

/** Where no upgrade has made a revision yet, nothing is there to go back to. */
async function hasDeployedBefore(release: ReleaseHandle): Promise<boolean> {
  const [, ...before] = await release.history()
  return before.some(({ status }) => status === 'DEPLOYED')
}

async function expectEnd(release: ReleaseHandle, command: string, body: object): Promise<void> {
  const operation = await release.begin('POST', command, body)
  const { status, error } = await operation.ended()
  expect(['SUCCEEDED', 'FAILED']).toContain(status)
  expect(status === 'FAILED').toBe(error !== null)
}
