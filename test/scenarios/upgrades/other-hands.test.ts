import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { handFlags, testedDialect } from '../../support/tested-helm.ts'
import { problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { expectToldAsPublished } from '../support/told.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { approved, Fleet, type Kind, makePool, registerFleet, versionsOf, type Workload } from './support/fleet.ts'
import { expectNothingOfOurs, expectUnmarked, type OriginalFields, originalsOf } from './support/originals.ts'
import { neverBelow, oneSideServes, onlyPassedServe, sampled } from './support/sampler.ts'

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const canary = {
  strategy: 'CANARY',
  canaryPercentage: 25,
  healthCheckIntervalSeconds: 1,
  healthCheckTimeoutSeconds: 30,
}
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
const fromCluster = ({ instances }: Execution) => instances.filter(({ origin }) => origin === 'CLUSTER').length

async function pinOf(fleet: Fleet): Promise<string | undefined> {
  const selector = (await fleet.service())?.spec.selector as Readonly<Record<string, string>> | undefined
  return selector?.['pod-template-hash']
}

/** True when the Service sends to every pod of a version, and to no other. */
async function servesOnly(fleet: Fleet, version: string): Promise<boolean> {
  const [pods, endpoints] = await Promise.all([fleet.pods(), fleet.endpoints()])
  const wanted = pods.filter((pod) => pod.version === version).map(({ uid }) => uid)
  return isDeepStrictEqual(endpoints.toSorted(), wanted.toSorted())
}

type Middle = { readonly fleet: Fleet; readonly execution: UpgradeHandle; readonly originals: OriginalFields }

/** Given one of four on the new version, watched. */
async function inTheMiddle(kind: Kind, more: object = {}): Promise<Middle> {
  const fleet = await Fleet.install(world, component, { kind, size: 4 })
  const originals = await originalsOf(fleet)
  const execution = await fleet.started({ ...canary, ...more })
  await execution.untilStatus('CANARY_MONITORING', patience)
  await fleet.reaches({ '1.0.0': 3, '1.1.0': 1 })
  return { fleet, execution, originals }
}

test.concurrent.each<[Kind, number]>([
  ['Deployment', 8],
  ['Deployment', 2],
  ['StatefulSet', 8],
])('a %s is scaled to %i: counted again, and all are upgraded', async (kind, replicas) => {
  const { fleet, execution, originals } = await inTheMiddle(kind)
  await fleet.touch({ replicas })
  const seen = ({ currentInstances }: Execution) => currentInstances === replicas
  const counted = await execution.until('counted again', seen, patience)
  expect(counted).toMatchObject({ totalInstances: 4 })
  await execution.until('all that came have passed', ({ progress }) => progress.inFlight === 0, patience)
  await execution.give('promote-canary')
  const done = await ended(execution)
  expect(done).toMatchObject({ status: 'COMPLETED', progress: { total: replicas, completed: replicas } })
  expect(fromCluster(done)).toBeGreaterThanOrEqual(Math.max(0, replicas - 4))
  await fleet.reaches({ '1.1.0': replicas })
  await expectNothingOfOurs(fleet, { ...originals, workload: { ...originals.workload, replicas } })
})

test.concurrent('a StatefulSet is scaled to 2: with its highest ordinals its canary is gone, and nobody is promoted', async () => {
  const { fleet, execution } = await inTheMiddle('StatefulSet')
  await fleet.touch({ replicas: 2 })
  const isGone = ({ waitingFor }: Execution) => waitingFor?.reason === 'NO_INSTANCES'
  const { waitingFor } = await execution.until('the canary is gone', isGone, patience)
  expect(waitingFor?.detail).toBe('no instance of the canary runs the target version any more')
  problem(await execution.send('promote-canary'), 409, 'wrong_status')
  await execution.give('rollback')
  expect((await ended(execution)).status).toBe('ROLLED_BACK')
  // Helm goes back by force, to as many as its chart says.
  await fleet.reaches({ '1.0.0': 4 })
})

test.concurrent.each<Kind>(['Deployment', 'StatefulSet'])(
  'pods of a %s are deleted: each comes back in its own version, and the canary goes on',
  async (kind) => {
    const { fleet, execution } = await inTheMiddle(kind, { healthCheckIntervalSeconds: 3 })
    for (const version of ['1.0.0', '1.1.0']) {
      const lost = (await fleet.pods()).find((pod) => pod.version === version)
      if (lost === undefined) throw new Error(`no pod on ${version}`)
      await fleet.kill(lost)
      await eventually('it is gone', async () => !(await fleet.uids()).includes(lost.uid))
      await fleet.reaches({ '1.0.0': 3, '1.1.0': 1 })
    }
    expect(await execution.read()).toMatchObject({ status: 'CANARY_MONITORING' })
    await execution.give('promote-canary')
    expect((await ended(execution)).status).toBe('COMPLETED')
    await fleet.reaches({ '1.1.0': 4 })
    expectUnmarked(await fleet.workload())
  },
)

test.concurrent('a Deployment whose gate is opened by hand: what ran ahead is counted, and it ends', async () => {
  const { fleet, execution, originals } = await inTheMiddle('Deployment')
  await untilItRests(fleet)
  const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
  await fleet.touch({ paused: false, minReadySeconds: 0, strategy })
  // How many run ahead is a matter of moments: the next look shuts the gate.
  const isOver = ({ status, progress }: Execution) =>
    status === 'COMPLETED' || (status === 'CANARY_MONITORING' && progress.completed > 1 && progress.inFlight === 0)
  const passed = await execution.until('passed', isOver, patience)
  if (passed.status === 'CANARY_MONITORING') await execution.give('promote-canary')
  const done = await ended(execution)
  expect(done.status).toBe('COMPLETED')
  expectNamed(done)
  await fleet.reaches({ '1.1.0': 4 })
  await expectNothingOfOurs(fleet, originals)
})

/** An act of ours that is under way would shut the gate before anybody looked. */
const untilItRests = (fleet: Fleet) =>
  eventually('the gate rests', async () => (await fleet.workload()).spec.paused === true)

/**
 * Another hand has opened the gate; who moved by that is named, and says so. That it was open is told where it was seen before an
 * act of ours has shut it again.
 */
function expectToldAhead({ warnings, instances }: Execution): void {
  const codes = warnings.map(({ code }) => code)
  expect(codes.filter((code) => code !== 'GATE_OPENED')).toEqual(['MOVED_AHEAD'])
  expectNamed({ warnings, instances })
  expect(instances.some(movedAhead)).toBe(true)
}

const movedAhead = ({ message }: Execution['instances'][number]): boolean => message === 'it moved without being let go'

function expectNamed({ warnings, instances }: Pick<Execution, 'warnings' | 'instances'>): void {
  const told = warnings.find(({ code }) => code === 'MOVED_AHEAD')?.message ?? ''
  // One that moves at a later look says so itself: the warning names those of the first.
  const ahead = instances.filter(movedAhead).map(({ index, currentPod }) => `${index} (${currentPod})`)
  expect(ahead.filter((one) => told.includes(one)).length).toBeGreaterThanOrEqual(Math.min(1, ahead.length))
}

test.concurrent('a STAGED Deployment whose gate is opened by hand: no approval is told of what moved by that', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 6 })
  const spec = { strategy: 'STAGED', batchSize: 2, healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 30 }
  const execution = await fleet.started(spec)
  await execution.untilStatus('PAUSED', patience)
  await fleet.reaches({ '1.0.0': 4, '1.1.0': 2 })
  await untilItRests(fleet)
  await fleet.touch({ paused: false, minReadySeconds: 0 })
  const moved = ({ progress }: Execution) => progress.completed > 2 && progress.inFlight === 0
  expectToldAhead(await execution.until('those that moved have passed', moved, patience))
  const done = await approved(execution)
  expect(done).toMatchObject({ status: 'COMPLETED', progress: { completed: 6 } })
  expectToldAhead(done)
  // Of those that were left, each batch of two but the last was approved.
  const left = 4 - done.instances.filter(({ message }) => message !== null).length
  expect(done.approvals.map(({ batch }) => batch)).toEqual([1, 2].slice(0, Math.max(1, Math.ceil(left / 2))))
  await fleet.reaches({ '1.1.0': 6 })
})

test.concurrent('a Deployment that is unpaused by hand, between closing and the first instance, does not run away', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 4 })
  const execution = await fleet.started({ batchSize: 1, healthCheckTimeoutSeconds: 30 })
  const paused = async () => (await fleet.workload()).spec.paused === true
  await eventually('it is paused', paused, { withinMs: 30_000, everyMs: 10 })
  await fleet.touch({ paused: false })
  expect((await ended(execution)).status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 4 })
  expectUnmarked(await fleet.workload())
})

/** The change of another hand takes effect, and nothing of ours is left. */
async function expectLetGo({ fleet, execution }: Middle, version: string): Promise<void> {
  const done = await ended(execution)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'CHANGED_BY_ANOTHER_HAND' })
  await fleet.reaches({ [version]: 4 })
  expectUnmarked(await fleet.workload())
  const release = await fleet.release.until('let go', ({ executionId }) => executionId === null)
  expect(release).toMatchObject({ frozen: null, chartVersion: version })
}

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'the release of a %s is upgraded by hand: that takes effect',
  async (kind) => {
    const middle = await inTheMiddle(kind)
    const chart = `${world.charts}/fleet/1.2.0`
    const { namespace } = middle.fleet
    await world.hand.helm('upgrade', 'app', chart, '-n', namespace, '--reuse-values', ...handFlags.force)
    await expectLetGo(middle, '1.2.0')
  },
)

test.concurrent.each<Kind>(['StatefulSet', 'DaemonSet'])(
  'the release of a %s is rolled back by hand: that takes effect',
  async (kind) => {
    const middle = await inTheMiddle(kind)
    await world.hand.helm('rollback', 'app', '1', '-n', middle.fleet.namespace, ...handFlags.force)
    await expectLetGo(middle, '1.0.0')
  },
)

test.concurrent('a release that is uninstalled by hand, and a namespace that is deleted, are a target that is gone', async () => {
  const [uninstalled, deleted] = await Promise.all([inTheMiddle('Deployment'), inTheMiddle('StatefulSet')])
  await world.hand.helm('uninstall', 'app', '-n', uninstalled.fleet.namespace)
  await world.cluster.client.delete(resources.namespaces, { name: deleted.fleet.namespace })
  for (const { fleet, execution } of [uninstalled, deleted]) {
    expect(await ended(execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
    await fleet.release.until('gone', ({ status, executionId }) => status === 'UNINSTALLED' && executionId === null)
  }
})

test.concurrent('a pin that is taken away by hand is put back: until then both versions that have passed may serve, after it one', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 3 })
  const originals = await originalsOf(fleet)
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 12 })
  const handled = async () => {
    await execution.until('watched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
    const pinned = await pinOf(fleet)
    await fleet.touch({ selector: { 'pod-template-hash': null } }, resources.services)
    await eventually('pinned again', async () => (await pinOf(fleet)) === pinned)
    await eventually('one version serves', () => servesOnly(fleet, '1.1.0'))
  }
  const kept = neverBelow(3)
  const unpinned = await sampled(fleet, execution, [kept, onlyPassedServe('1.1.0')], handled())
  const after = await sampled(fleet, execution, [kept, oneSideServes('1.1.0')], ended(execution))
  expect([...unpinned.broken, ...after.broken]).toEqual([])
  expect(after.result.status).toBe('COMPLETED')
  expect(after.result.warnings.map(({ code }) => code)).toContain('PIN_RESTORED')
  await fleet.reaches({ '1.1.0': 3 })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('a pin that another hand has set to nobody is put right at the next look, and told', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const originals = await originalsOf(fleet)
  const timing = { healthCheckIntervalSeconds: 5, healthCheckTimeoutSeconds: 10 }
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', ...timing })
  await execution.until('pinned', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  const pinned = await pinOf(fleet)
  expect(pinned).toBeDefined()
  await fleet.touch({ selector: { 'pod-template-hash': 'nothing' } }, resources.services)
  await eventually('the pin is put right', async () => expect(await pinOf(fleet)).toBe(pinned) ?? true)
  const done = await ended(execution)
  expect(done.status).toBe('COMPLETED')
  expect(done.warnings.map(({ code }) => code)).toContain('PIN_RESTORED')
  expect((await execution.events()).map(({ type }) => type)).toContain('execution.pin-restored')
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent.each(['before', 'after'])(
  'a Service that is deleted %s the switch: nobody is served, so all go back',
  async (when) => {
    const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
    const wanted = { strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 20, autoRollbackEnabled: true }
    const execution = await fleet.started(wanted)
    if (when === 'before') await eventually('the old set is pinned', async () => (await pinOf(fleet)) !== undefined)
    else await execution.until('watched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
    await world.cluster.client.delete(resources.services, { namespace: fleet.namespace, name: 'app' })
    const done = await ended(execution)
    expect(done.status).toBe('ROLLED_BACK')
    const why = expect.stringContaining('PIN_REMOVED: no Service stays pinned')
    expect(done.transitions).toContainEqual(expect.objectContaining({ to: 'ROLLING_BACK', reason: why }))
    await fleet.reaches({ '1.0.0': 2 })
    expectUnmarked(await fleet.workload())
  },
)

test.concurrent('a Service that another hand points elsewhere has no say any more', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 30 })
  await execution.until('watched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  await fleet.touch({ selector: { app: 'maintenance' } }, resources.services)
  expect(await ended(execution)).toMatchObject({ status: 'FAILED', statusReason: 'PIN_REMOVED' })
  expect(await fleet.release.read()).toMatchObject({ frozen: { versions: { '1.0.0': 2, '1.1.0': 2 } } })
  // Our key would keep from traffic whatever that hand sends it to.
  const service = await fleet.service()
  expect(service?.spec.selector).toEqual({ app: 'maintenance' })
  expectUnmarked(service as Workload)
})

test.concurrent('a deployment that meets the field of another manager leaves nothing frozen, and says why', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const { namespace } = fleet
  const scaled = { type: 'merge', fieldManager: 'kubectl', body: { spec: { replicas: 3 } } } as const
  await world.cluster.client.patch(resources.deployments, { namespace, name: 'app' }, scaled)
  const execution = await fleet.started({ batchSize: 1 })
  const done = await ended(execution)
  if (testedDialect === 'v3') {
    // It patches from its own last manifest and never meets the other manager.
    expect(done.status).toBe('COMPLETED')
    return
  }
  expect(done).toMatchObject({ statusReason: 'DEPLOY_FAILED', progress: { completed: 0, failed: 0 } })
  const why = expect.stringMatching(/^DEPLOY_FAILED: .*spec\.replicas/s)
  expect(done.transitions.at(-1)).toMatchObject({ to: 'FAILED', reason: why })
  const events = await execution.events()
  expect(events.map(({ data }) => data)).toContainEqual(
    expect.objectContaining({ status: 'FAILED', statusReason: 'DEPLOY_FAILED' }),
  )
  expect(JSON.stringify(events)).not.toContain('spec.replicas')
  expect(await fleet.release.read()).toMatchObject({ status: 'FAILED', frozen: null, executionId: null })
  const live = await fleet.workload()
  expect(live.spec.replicas).toBe(3)
  expectUnmarked(live)
})

test.concurrent('an autoscaler on the target is a warning', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app' }
  const metadata = { name: 'app', namespace: fleet.namespace }
  const spec = { scaleTargetRef, minReplicas: 2, maxReplicas: 4 }
  await world.cluster.client.create(resources.autoscalers, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec,
  })
  const done = await ended(await fleet.started())
  expect(done.status).toBe('COMPLETED')
  expect(done.warnings.map(({ code }) => code)).toContain('AUTOSCALER')
  expect(versionsOf(await fleet.pods())).toEqual({ '1.1.0': 2 })
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
