import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { Release } from '../support/releases.ts'
import type { RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, kinds, makePool, registerFleet, type Workload } from './support/fleet.ts'
import { expectNothingOfOurs, type OriginalFields, originalsOf } from './support/originals.ts'

// `kubectl get -o yaml | kubectl replace --force -f -`, or a backup that is restored: the same object, made anew.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
})
afterAll(() => world.close())

const patience = { withinMs: 60_000 }
const half = { strategy: 'CANARY', canaryPercentage: 50, maxUnavailablePercentage: 50, healthCheckTimeoutSeconds: 30 }
/** Of a Deployment that was made anew while it is held no pod is there: nobody answers, and one must be able to go on. */
const overrideChecks = [{ check: 'HEALTH_ENDPOINTS', reason: 'it was replaced, and nothing runs' }]
const goingOn = { batchSize: 2, healthCheckTimeoutSeconds: 30, overrideChecks }
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)

type Given = { readonly fleet: Fleet; readonly execution: UpgradeHandle; readonly originals: OriginalFields }

async function monitored(kind: Kind): Promise<Given> {
  const fleet = await Fleet.install(world, component, { kind, size: 4 })
  const originals = await originalsOf(fleet)
  const execution = await fleet.started(half)
  await execution.untilStatus('CANARY_MONITORING', patience)
  return { fleet, execution, originals }
}

async function frozen(kind: Kind): Promise<Given> {
  const given = await monitored(kind)
  await given.execution.give('cancel')
  await given.execution.untilStatus('CANCELLED', patience)
  return given
}

async function remove({ kind, namespace }: Fleet): Promise<void> {
  const { client } = world.cluster
  await client.delete(kinds[kind], { namespace, name: 'app' })
  const isGone = async () => (await client.find(kinds[kind], { namespace, name: 'app' })) === null
  await eventually('it is gone', isGone, patience)
}

async function make({ kind }: Fleet, { metadata, spec }: Workload): Promise<void> {
  const { name, namespace = '', labels = {}, annotations = {} } = metadata
  await world.cluster.client.create<Workload>(kinds[kind], { metadata: { name, namespace, labels, annotations }, spec })
}

async function replaced(fleet: Fleet): Promise<void> {
  const kept = await fleet.workload()
  await remove(fleet)
  await make(fleet, kept)
}

async function expectEnded({ fleet, originals }: Given, version: string): Promise<void> {
  await fleet.reaches({ [version]: 4 })
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.read()).toMatchObject({ frozen: null, executionId: null })
}

const allKinds: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet']

test.concurrent.each(allKinds)('a %s that is replaced while it is frozen is unfrozen back', async (kind) => {
  const given = await frozen(kind)
  await replaced(given.fleet)
  ok(await world.api.post(`${given.fleet.release.path}/unfreeze?to=previous`, undefined))
  await expectEnded(given, '1.0.0')
  ok(await given.fleet.release.upgrade({ chartVersion: '1.2.0' }))
  await expectEnded(given, '1.2.0')
})

test.concurrent.each(allKinds)('a %s that is replaced while it is frozen is unfrozen on', async (kind) => {
  const given = await frozen(kind)
  await replaced(given.fleet)
  ok(await world.api.post(`${given.fleet.release.path}/unfreeze?to=target`, undefined))
  await expectEnded(given, '1.1.0')
})

test.concurrent.each(allKinds)('a %s that is replaced while it is frozen is upgraded', async (kind) => {
  const given = await frozen(kind)
  await replaced(given.fleet)
  ok(await given.fleet.release.upgrade({ chartVersion: '1.2.0', forceConflicts: true }))
  await expectEnded(given, '1.2.0')
})

test.concurrent('a Deployment that is replaced while it is frozen, of which nothing runs, is taken over by an execution', async () => {
  const given = await frozen('Deployment')
  await replaced(given.fleet)
  const isCounted = ({ frozen }: Release): boolean =>
    Object.values(frozen?.versions ?? {}).every((count) => count === 0)
  await given.fleet.release.until('nothing runs', isCounted)
  const execution = await given.fleet.started(goingOn)
  expect(await ended(execution)).toMatchObject({ status: 'COMPLETED' })
  await expectEnded(given, '1.1.0')
})

test.concurrent.each(allKinds)(
  'a %s that is replaced while it is PAUSED is a target that is gone, and is let go',
  async (kind) => {
    const fleet = await Fleet.install(world, component, { kind, size: 4 })
    const originals = await originalsOf(fleet)
    const execution = await fleet.started({ ...half, strategy: 'STAGED', batchSize: 2 })
    const given = { fleet, execution, originals }
    await execution.untilStatus('PAUSED', patience)
    await replaced(given.fleet)
    expect(await ended(given.execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
    await expectEnded(given, '1.1.0')
    ok(await given.fleet.release.rollback(1))
    await expectEnded(given, '1.0.0')
  },
)

test.concurrent('one that is restored long after its execution has ended is let go by the next rollback', async () => {
  const given = await monitored('Deployment')
  const kept = await given.fleet.workload()
  await remove(given.fleet)
  expect(await ended(given.execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
  await make(given.fleet, kept)
  ok(await given.fleet.release.rollback(1))
  await expectEnded(given, '1.0.0')
})

test.concurrent('one that is restored long after its execution has ended is let go by the next execution', async () => {
  const given = await monitored('Deployment')
  const kept = await given.fleet.workload()
  await remove(given.fleet)
  expect(await ended(given.execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
  await make(given.fleet, kept)
  const execution = await given.fleet.started(goingOn)
  expect(await ended(execution)).toMatchObject({ status: 'COMPLETED' })
  await expectEnded(given, '1.1.0')
})

test.concurrent('a pin comes off with a workload that is gone', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 60 })
  await execution.until('pinned', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  await remove(fleet)
  expect(await ended(execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
  expect((await fleet.service())?.spec.selector).not.toHaveProperty('pod-template-hash')
})
