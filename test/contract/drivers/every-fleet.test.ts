import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Lease } from '../../../src/infra/engine/index.ts'
import type { FleetRelease, ReleaseCluster } from '../../../src/releases/index.ts'
import type { Execution, FleetSight } from '../../../src/upgrades/core/model.ts'
import type { FleetDriver } from '../../../src/upgrades/drivers/driver.ts'
import { newRehearsal, simulatedFleet } from '../../../src/upgrades/drivers/rehearsal.ts'
import { releaseDriver } from '../../../src/upgrades/drivers/releases.ts'
import { writeWorld } from '../../../src/upgrades/store/rehearsals.ts'
import { executionOf } from './support/execution.ts'
import { heldBy, TestFleet } from './support/fleet.ts'
import { World } from './support/world.ts'

// What executions rely on, whatever the fleet is.

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

/** A fleet of four on the previous version, all ready, and who may change it. */
type Given = { readonly driver: FleetDriver; readonly execution: Execution; readonly lease: Lease }

async function workload(): Promise<Given> {
  return TestFleet.open(world, 'Deployment')
}

async function rehearsal(): Promise<Given> {
  const { db } = world.database
  const releaseId = await world.release(randomUUID())
  const workload = { kind: 'Deployment', name: 'app' } as const
  const execution: Execution = {
    ...executionOf(releaseId, world.tenantId, workload),
    target: { kind: 'rehearsal', faults: {} },
  }
  await world.begin(execution)
  const fleet = newRehearsal({ size: 4, faults: {}, releaseIds: [releaseId] }, systemClock.now())
  await transaction(db, (tx) => writeWorld(tx, execution.id, fleet))
  return { driver: simulatedFleet({ db, clock: systemClock }).driver, execution, lease: await world.lease(execution) }
}

/** Its releases are as they are told: reading them is what the tests of releases are about. */
async function releases(): Promise<Given> {
  const releaseId = await world.release(randomUUID())
  const execution = executionOf(releaseId, world.tenantId, { kind: 'Deployment', name: 'app' })
  await world.begin(execution)
  const cluster = { readiness: async () => ({ settled: true, blockers: [] }) } as unknown as ReleaseCluster
  const driver = releaseDriver({
    releasesOf: async () => [0, 1, 2, 3].map(fleetRelease),
    clusterOf: () => cluster,
    manifest: async () => '',
    isApplied: async () => true,
    workedOn: async () => new Set(),
    probe: async () => 'good',
  })
  return { driver, execution, lease: await world.lease(execution) }
}

const fleetRelease = (n: number): FleetRelease =>
  ({
    ...{ id: `release-${n}`, name: `release-${n}`, clusterId: world.clusterId, namespace: 'several' },
    ...{ status: 'DEPLOYED', newestChartVersion: '1.0.0' },
  }) as unknown as FleetRelease

async function see({ driver, execution }: Given): Promise<Extract<FleetSight, { kind: 'present' }>> {
  const sight = await driver.observe(execution, { aboutToGo: [], wantsProbe: () => false })
  if (sight.kind === 'gone') throw new Error(sight.why)
  return sight
}

describe.each([
  ['a workload', workload],
  ['a rehearsal', rehearsal],
  ['several releases', releases],
])('%s', (_, given) => {
  test('shows each of its members once, ready and on the previous version', async () => {
    const { wanted, members, gate } = await see(await given())
    expect([wanted, members.length, gate]).toEqual([4, 4, { kind: 'none' }])
    expect(new Set(members.map(({ pod }) => pod.uid)).size).toBe(4)
    for (const member of members) expect(member).toMatchObject({ side: 'previous', ready: true, terminating: false })
  })

  test('a look changes nothing, and an act that is done again neither', async () => {
    const fleet = await given()
    const { driver, execution, lease } = fleet
    const untouched = await see(fleet)
    expect(await see(fleet)).toEqual(untouched)
    await driver.gate(execution, { kind: 'closed' }, [], heldBy(lease))
    const closed = await see(fleet)
    await driver.gate(execution, { kind: 'closed' }, [], heldBy(lease))
    expect(await see(fleet)).toEqual(closed)
    await driver.gate(execution, { kind: 'none' }, [], heldBy(lease))
    await driver.gate(execution, { kind: 'none' }, [], heldBy(lease))
    expect((await see(fleet)).members).toEqual(untouched.members)
  })
})

test.each([
  ['a workload', workload],
  ['a rehearsal', rehearsal],
])('%s is not changed by who has lost the lease', async (_, given) => {
  const fleet = await given()
  const before = await see(fleet)
  const lost: Lease = { ...fleet.lease, remainingMs: () => 0, signal: AbortSignal.abort() }
  await expect(fleet.driver.gate(fleet.execution, { kind: 'closed' }, [], heldBy(lost))).rejects.toThrow()
  expect(await see(fleet)).toEqual(before)
})
