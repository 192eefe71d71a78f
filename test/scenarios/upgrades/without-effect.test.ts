import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { handFlags, testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import type { Release } from '../support/releases.ts'
import { expectToldAsPublished } from '../support/told.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet, type Versions } from './support/fleet.ts'
import { expectUnmarked } from './support/originals.ts'

// A revision of another hand that is pending, or has failed, and has changed no workload: nothing of it can take effect.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const staged = {
  ...{ strategy: 'STAGED', batchSize: 1, maxUnavailablePercentage: 50 },
  ...{ healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 60 },
}
const mixed: Versions = { '1.0.0': 3, '1.1.0': 1 }

type Middle = { readonly fleet: Fleet; readonly execution: UpgradeHandle }

/** Given one of four on the new version, and an approval that is asked for. */
async function staging(kind: Kind, values: object = {}): Promise<Middle> {
  const fleet = await Fleet.install(world, component, { kind, size: 4, values })
  const execution = await fleet.started(staged)
  await execution.untilStatus('PAUSED', patience)
  await fleet.reaches(mixed)
  return { fleet, execution }
}

/** Given the same, cancelled: it is left frozen. */
async function frozen(kind: Kind): Promise<Middle> {
  const middle = await staging(kind)
  await middle.execution.give('cancel')
  await middle.execution.untilStatus('CANCELLED', patience)
  await middle.fleet.release.until('frozen', (release) => release.frozen !== null)
  return middle
}

/** Another hand upgrades; so long a hook comes before anything is applied. */
const byHand = (fleet: Fleet, ...set: readonly string[]): readonly string[] => {
  const chart = `${world.charts}/fleet/1.2.0`
  return ['upgrade', 'app', chart, '-n', fleet.namespace, '--reuse-values', ...set.flatMap((one) => ['--set', one])]
}
const failingHook = ['hookMs=2000', 'hookOn=pre-upgrade', 'hookTag=fail']
/** The hook ends when the test lets it. */
const held = [`hookMs=${heldHook.runMs}`, 'hookOn=pre-upgrade']

const whoRuns = async (fleet: Fleet): Promise<readonly string[]> =>
  (await fleet.pods()).map(({ uid, version }) => `${version} ${uid}`).sort()

/** Helm of another hand fails, and moves nobody, neither while it runs nor after it. */
async function expectInVain({ fleet, execution }: Middle, args: readonly string[]): Promise<Release> {
  const before = await whoRuns(fleet)
  const { revision } = await fleet.release.read()
  const helm = await world.hand.startHelm(...args)
  expect((await helm.ended).code).not.toBe(0)
  const seen = ({ status, executionId, ...release }: Release): boolean =>
    status === 'FAILED' && executionId === null && release.revision === revision + 1
  const release = await fleet.release.until('follows Helm', seen)
  // Whatever was decided on it has been done by then.
  await fleet.release.until('looked at again', ({ waitingFor }) => waitingFor?.reason !== 'THAWING')
  expect(await whoRuns(fleet)).toEqual(before)
  expect(release).toMatchObject({ pendingBy: null, frozen: { executionId: execution.id, versions: mixed } })
  expect((await fleet.workload()).metadata.annotations?.['flotilla.dev/gate']).toContain('unfreeze?to=')
  return release
}

async function expectToldWhy({ execution }: Pick<Middle, 'execution'>): Promise<Execution> {
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'CHANGED_BY_ANOTHER_HAND' })
  expect(done.warnings.map(({ code }) => code)).toContain('OTHER_REVISION_WITHOUT_EFFECT')
  return done
}

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'a frozen %s stays so when an upgrade by hand fails in its hook, and is unfrozen from there',
  async (kind) => {
    const middle = await frozen(kind)
    const { fleet } = middle
    await expectInVain(middle, byHand(fleet, ...failingHook))
    ok(await world.api.post(`${fleet.release.path}/unfreeze?to=previous`, undefined))
    await fleet.reaches({ '1.0.0': 4 })
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', frozen: null })
  },
)

test.concurrent('a frozen fleet stays so while an upgrade by hand is pending, and when that is settled by force', async () => {
  const { fleet, execution } = await frozen('Deployment')
  const before = await fleet.uids()
  const helm = await world.hand.startHelm(...byHand(fleet, ...held))
  const seen = await fleet.release.until('pending', ({ pendingBy }) => pendingBy === 'external')
  expect(seen).toMatchObject({ status: 'PENDING_UPGRADE', frozen: { executionId: execution.id, versions: mixed } })
  problem(await fleet.release.upgrade({ chartVersion: '1.2.0' }), 409, 'pending_elsewhere')
  helm.kill()
  await helm.ended
  const { release: settled } = ok(await fleet.release.recover({ force: true }))
  expect(settled).toMatchObject({ status: 'FAILED', pendingBy: null, frozen: { versions: mixed } })
  expect(await fleet.uids()).toEqual(before)
  ok(await fleet.release.upgrade({ chartVersion: '1.2.0' }))
  await fleet.reaches({ '1.2.0': 4 })
  expectUnmarked(await fleet.workload())
})

test.concurrent('a frozen fleet that was scaled stays so when a rollback by hand meets that', async () => {
  // The older helm patches from its own last manifest and never meets the other manager.
  if (testedDialect === 'v3') return
  const middle = await frozen('Deployment')
  const { fleet } = middle
  const named = { namespace: fleet.namespace, name: 'app' }
  const body = { spec: { replicas: 5 } }
  await world.cluster.client.patch(resources.deployments, named, { type: 'merge', fieldManager: 'kubectl', body })
  const counted = { ...mixed, '1.0.0': 4 }
  await fleet.reaches(counted)
  await fleet.release.until('counted anew', ({ frozen: now }) => now?.versions['1.0.0'] === 4)
  const before = await fleet.uids()
  expect((await world.hand.tryHelm('rollback', 'app', '1', '-n', fleet.namespace)).stderr).toContain('conflict')
  await fleet.release.until('follows Helm', ({ revision }) => revision === 3)
  await fleet.release.until('is FAILED', ({ status, pendingBy }) => status === 'FAILED' && pendingBy === null)
  expect(await fleet.uids()).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ frozen: { versions: counted } })
})

test.concurrent('blue-green whose new set fails: the traffic stays where it is pinned', async () => {
  const values = { faults: { '1.1.0': 'crash' } }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values })
  const [blue] = await fleet.pods()
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 300 })
  const pinned = async () => {
    const selector = (await fleet.service())?.spec.selector as Readonly<Record<string, string>>
    return selector['pod-template-hash'] === blue?.hash
  }
  await eventually('the old set is pinned', pinned, patience)
  const serving = await fleet.endpoints()
  await eventually('the new set is there', async () => (await fleet.pods()).length === 4)
  expect((await world.hand.tryHelm(...byHand(fleet, ...failingHook))).code).not.toBe(0)
  await expectToldWhy({ execution })
  const release = await fleet.release.until('follows Helm', ({ executionId }) => executionId === null)
  expect(release).toMatchObject({ frozen: { versions: { '1.0.0': 2, '1.1.0': 2 } } })
  expect(await pinned()).toBe(true)
  expect((await fleet.endpoints()).toSorted()).toEqual(serving.toSorted())
})

const immutable = 'claims=true'
test.concurrent.each<readonly [Kind, readonly string[]]>([
  ['Deployment', failingHook],
  ['DaemonSet', failingHook],
  ['StatefulSet', [immutable]],
])('a staged %s that asks for approval gets none by an upgrade by hand that fails', async (kind, set) => {
  const middle = await staging(kind)
  const { fleet } = middle
  const release = await expectInVain(middle, byHand(fleet, ...set))
  await expectToldWhy(middle)
  expect(release.attemptedChartVersion).toBe('1.2.0')
  // The next execution goes on from there.
  const execution = await fleet.started({ ...staged, strategy: 'ROLLING' })
  expect(await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)).toMatchObject({
    status: 'COMPLETED',
  })
  await fleet.reaches({ '1.1.0': 4 })
})

test.concurrent.each([
  ['staged', staging],
  ['frozen', frozen],
] as const)('an upgrade by hand of a %s fleet waits in its hook, and takes effect once it applies', async (_, make) => {
  const { fleet, execution } = await make('Deployment')
  const before = await fleet.uids()
  const helm = await world.hand.startHelm(...byHand(fleet, ...held), ...handFlags.wait, ...handFlags.force)
  await fleet.release.until('pending', ({ pendingBy, executionId }) => pendingBy === 'external' && executionId === null)
  expect(await fleet.release.read()).toMatchObject({ frozen: { executionId: execution.id } })
  expect(await fleet.uids()).toEqual(before)
  await world.cluster.endHook(fleet.namespace)
  expect(await helm.ended).toMatchObject({ code: 0 })
  await fleet.reaches({ '1.2.0': 4 })
  await fleet.release.until('DEPLOYED', ({ status, frozen: now }) => status === 'DEPLOYED' && now === null)
  expectUnmarked(await fleet.workload())
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
