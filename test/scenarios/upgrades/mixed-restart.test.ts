import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/infra/database/embedded/server.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Execution, type RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetPod, type Kind, makePool, registerFleet } from './support/fleet.ts'
import { PodLog } from './support/follow.ts'
import { expectNothingOfOurs, type OriginalFields, originalsOf } from './support/originals.ts'

// Fleets in two versions, paused or frozen, while PostgreSQL goes away and comes back, and then the server and PostgreSQL
// do. The cluster stays. Nothing moves, and whatever ends it works as before.

const kinds: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet']
const ways = ['resume', 'rollback', 'previous', 'target'] as const
type Way = (typeof ways)[number]
const cases = kinds.flatMap((kind) => ways.map((way) => [kind, way] as const))

type Mixed = {
  readonly fleet: Fleet
  readonly execution: UpgradeHandle
  readonly originals: OriginalFields
  readonly pods: readonly FleetPod[]
}

const patience = { withinMs: 100_000 }
const mixed = { '1.0.0': 2, '1.1.0': 2 }
let home: string
let database: EmbeddedPostgres
let cluster: TestCluster
let world: World
let component: RegisteredComponent
/** Every pod that there ever was. */
let log: PodLog
const fleets = new Map<string, Mixed>()
const isPaused = (way: Way): boolean => way === 'resume' || way === 'rollback'

const startDatabase = () => startEmbeddedPostgres({ home, log: silentLog, revive: false })
async function withoutDatabase(meanwhile: () => Promise<void>): Promise<void> {
  await database.stop()
  await meanwhile()
  database = await startDatabase()
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-mixed-'))
  database = await startDatabase()
  cluster = await practiceCluster()
  log = new PodLog(cluster.transport)
  world = await openWorld({ KUBECONFIG: cluster.kubeconfig, DATABASE_URL: database.url, LEASE_SECONDS: '3' })
  component = await registerFleet(world)
  await makePool(world, 4)
  await Promise.all(cases.map(async ([kind, way]) => fleets.set(`${kind} ${way}`, await mixedFleet(kind, way))))
  const { api } = world
  await withoutDatabase(() => sleep(3000))
  await eventually('the server has its database again', async () => (await api.get('/helm/releases')).status === 200, {
    withinMs: 30_000,
  })
  // Long enough for whoever would move something to have done it.
  await sleep(4000)
  world = await world.restarted(() => withoutDatabase(async () => {}))
  await sleep(4000)
}, 240_000)
afterAll(async () => {
  await log.close()
  await world.close()
  await cluster.stop()
  await database.stop()
  await rm(home, { recursive: true, force: true })
})

/** Given a fleet of which half has moved, paused there or left there by a cancel. */
async function mixedFleet(kind: Kind, way: Way): Promise<Mixed> {
  const fleet = await Fleet.install(world, component, { kind, size: 4 })
  const originals = await originalsOf(fleet)
  const batchDelaySeconds = way === 'resume' ? 45 : 3_600
  const half = { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds, healthCheckTimeoutSeconds: 60 }
  const execution = await fleet.started(half)
  await execution.until('half of it', ({ progress }) => progress.completed === 2, patience)
  await execution.give(isPaused(way) ? 'pause' : 'cancel')
  await execution.untilStatus(isPaused(way) ? 'PAUSED' : 'CANCELLED', patience)
  return { fleet, execution, originals, pods: await fleet.reaches(mixed) }
}

/** The same fleet, asked for of the server that was started again. */
function given(kind: Kind, way: Way): Mixed {
  const found = fleets.get(`${kind} ${way}`)
  if (found === undefined) throw new Error(`no fleet for ${kind} ${way}`)
  return { ...found, fleet: found.fleet.at(world), execution: new UpgradeHandle(world.api, found.execution) }
}

const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null
const uids = (pods: readonly FleetPod[], version: string) =>
  pods.filter((pod) => pod.version === version).map(({ uid }) => uid)

test.each(cases)('a %s that is to be ended by %s: nothing has moved, and it says what it is', async (kind, way) => {
  const { fleet, execution, pods } = given(kind, way)
  expect((await fleet.pods()).map(({ uid }) => uid).toSorted()).toEqual(pods.map(({ uid }) => uid).toSorted())
  const known = new Set(log.of(fleet).map(({ uid }) => uid))
  // Four of before, and the two that came: nobody else was ever there.
  expect(known.size).toBe(6)
  const release = await fleet.release.read()
  if (isPaused(way)) {
    expect(await execution.read()).toMatchObject({ status: 'PAUSED', progress: { completed: 2, pending: 2 } })
    expect(release).toMatchObject({ status: 'PENDING_UPGRADE', executionId: execution.id })
  } else {
    expect(release).toMatchObject({ status: 'FAILED', frozen: { executionId: execution.id, versions: mixed } })
  }
})

test.concurrent.each(kinds)('a paused %s goes on where it stopped', async (kind) => {
  const { fleet, execution, originals, pods } = given(kind, 'resume')
  await execution.give('resume')
  const done = await execution.until('ended', hasEnded, patience)
  expect(done).toMatchObject({ status: 'COMPLETED', currentBatch: 2, rollbackInfo: { currentFailures: 0 } })
  const after = await fleet.reaches({ '1.1.0': 4 })
  expect(after.map(({ uid }) => uid)).toEqual(expect.arrayContaining(uids(pods, '1.1.0')))
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent.each(kinds)('a paused %s goes back, and the untouched are not restarted', async (kind) => {
  const { fleet, execution, originals, pods } = given(kind, 'rollback')
  await execution.give('rollback')
  expect((await execution.until('ended', hasEnded, patience)).status).toBe('ROLLED_BACK')
  const after = await fleet.reaches({ '1.0.0': 4 })
  expect(after.map(({ uid }) => uid)).toEqual(expect.arrayContaining(uids(pods, '1.0.0')))
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent.each(
  kinds.flatMap((kind) => [[kind, 'previous', '1.0.0'] as const, [kind, 'target', '1.1.0'] as const]),
)('a frozen %s is unfrozen to the %s version', async (kind, to, version) => {
  const { fleet, originals, pods } = given(kind, to)
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${to}`, undefined))
  const after = await fleet.reaches({ [version]: 4 })
  expect(after.map(({ uid }) => uid)).toEqual(expect.arrayContaining(uids(pods, version)))
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: version, frozen: null })
})
