import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { Execution, RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetOptions, type Kind, limitPods, makePool, registerFleet } from './support/fleet.ts'
import { expectNothingOfOurs, originalsOf } from './support/originals.ts'
import { neverBelow, sampled } from './support/sampler.ts'

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const wanted = { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds: 3_600, healthCheckIntervalSeconds: 1 }
const eachKind = test.concurrent.each<FleetOptions & { kind: Kind; room?: number }>([
  { kind: 'Deployment', size: 4 },
  { kind: 'Deployment', size: 4, room: 0 },
  { kind: 'StatefulSet', size: 4 },
  { kind: 'DaemonSet', size: 4 },
])

type Budget = KubeObject & { readonly status?: { readonly desiredHealthy?: number } }

/** Another hand's budget of the workload's pods, once its controller has counted. */
async function budgetOf({ namespace }: Fleet, minAvailable: number): Promise<void> {
  const metadata = { name: 'theirs', namespace }
  const spec = { minAvailable, selector: { matchLabels: { app: 'app' } } }
  const { client } = world.cluster
  await client.create(resources.disruptionBudgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec,
  } as KubeObject)
  await eventually('the budget counts', async () => {
    const { status } = await client.get<Budget>(resources.disruptionBudgets, metadata)
    return status?.desiredHealthy === minAvailable
  })
}

/** Given a fleet of four of which two are on the new version. */
async function half({ room, ...options }: FleetOptions & { room?: number }, timeout: number) {
  const fleet = await Fleet.install(world, component, options)
  if (room !== undefined) await limitPods(fleet, 4 + room, 4)
  const originals = await originalsOf(fleet)
  const execution = await fleet.started({ ...wanted, healthCheckTimeoutSeconds: timeout })
  await execution.until('half of it', ({ progress }) => progress.completed === 2, patience)
  await fleet.reaches({ '1.0.0': 2, '1.1.0': 2 })
  return { fleet, execution, originals }
}

eachKind('a rollback takes no pod that a budget keeps, and names it: %o', async (options) => {
  const { fleet, execution, originals } = await half(options, 6)
  await budgetOf(fleet, 9)
  const before = await fleet.uids()
  await execution.give('rollback')
  const says = ({ waitingFor }: Execution) => waitingFor?.detail?.includes('disruption budget theirs') === true
  await execution.until('it says what holds it', says, patience)
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'NOT_BACK_IN_TIME' })
  expect(done.transitions.at(-1)?.reason).toMatch(/2 instances are not back; .*disruption budget theirs needs 9/)
  const failed = done.instances.filter(({ status }) => status === 'FAILED')
  expect(failed.map(({ message }) => message)).toEqual(Array(2).fill(expect.stringContaining('budget theirs')))
  expect(await fleet.uids()).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ frozen: { versions: { '1.0.0': 2, '1.1.0': 2 } } })
  expect(await fleet.uids()).toEqual(before)
  // A person who wants it regardless.
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=previous`, undefined))
  await fleet.reaches({ '1.0.0': 4 })
  await expectNothingOfOurs(fleet, originals)
})

eachKind('a rollback keeps as many ready as a budget wants: %o', async (options) => {
  const { fleet, execution, originals } = await half(options, 60)
  await budgetOf(fleet, 3)
  await execution.give('rollback')
  const back = execution.untilStatus('ROLLED_BACK', patience)
  const { broken } = await sampled(fleet, execution, [neverBelow(3)], back)
  expect(broken).toEqual([])
  await fleet.reaches({ '1.0.0': 4 })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent.each<Kind>(['StatefulSet', 'DaemonSet'])(
  'a %s passes a budget of one at a time, with batches of more',
  async (kind) => {
    // One that stops at once may be back under its name before the budget's controller has seen it go, which then counts it as
    // gone for two minutes (docs/adr/0055).
    const fleet = await Fleet.install(world, component, { kind, size: 4, values: { stopMs: 1_500 } })
    await budgetOf(fleet, 3)
    const execution = await fleet.started({ ...wanted, batchDelaySeconds: 0, healthCheckTimeoutSeconds: 60 })
    const { broken } = await sampled(fleet, execution, [neverBelow(3)], execution.untilStatus('COMPLETED', patience))
    expect(broken).toEqual([])
    await fleet.reaches({ '1.1.0': 4 })
  },
)

eachKind('RECREATE asks no budget, neither forward nor back: %o', async ({ room, ...options }) => {
  const fleet = await Fleet.install(world, component, options)
  if (room !== undefined) await limitPods(fleet, 4 + room, 4)
  await budgetOf(fleet, 4)
  // The second of the two checks that prove it is far away.
  const times = { healthCheckIntervalSeconds: 60, healthCheckTimeoutSeconds: 120 }
  const execution = await fleet.started({ ...wanted, ...times, strategy: 'RECREATE' })
  await fleet.reaches({ '1.1.0': 4 })
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
  await fleet.reaches({ '1.0.0': 4 })
})
