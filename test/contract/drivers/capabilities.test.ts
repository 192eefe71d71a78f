import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../src/infra/clock.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Lease } from '../../../src/infra/engine/index.ts'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import type { FleetRelease, ReleaseCluster } from '../../../src/releases/index.ts'
import { rehearsalCan, releasesCan } from '../../../src/upgrades/commands/resolve-target.ts'
import type { Capabilities, Execution, FleetSight, Member, WorkloadKind } from '../../../src/upgrades/core/model.ts'
import { discoverTarget } from '../../../src/upgrades/drivers/discover.ts'
import type { FleetDriver } from '../../../src/upgrades/drivers/driver.ts'
import { newRehearsal, simulatedFleet } from '../../../src/upgrades/drivers/rehearsal.ts'
import { releaseDriver } from '../../../src/upgrades/drivers/releases.ts'
import { objectsOf } from '../../../src/upgrades/drivers/rendered.ts'
import { writeWorld } from '../../../src/upgrades/store/rehearsals.ts'
import { eventually } from '../../support/cluster.ts'
import { executionOf } from './support/execution.ts'
import { heldBy, TestFleet } from './support/fleet.ts'
import { World } from './support/world.ts'

// What a fleet says that it can, it can: one suite for every driver, by its capabilities.

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

type Given = {
  readonly driver: FleetDriver
  readonly execution: Execution
  readonly lease: Lease
  readonly capabilities: Capabilities
  /** Helm applies the target version; where each instance is a release, of the next one. */
  readonly apply: () => Promise<unknown>
}

async function workload(kind: WorkloadKind): Promise<Given> {
  const fleet = await TestFleet.open(world, kind)
  const named = { namespace: fleet.namespace, name: 'web' }
  const body = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
    spec: { selector: { app: fleet.name }, ports: [{ port: 80 }] },
  }
  await fleet.client.patch(resources.services, named, { type: 'apply', body, fieldManager: 'helm' })
  const { apiVersion, metadata, spec } = await fleet.live()
  const manifest = stringify({
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    spec: { template: spec?.template },
  })
  const found = await discoverTarget({
    ...{ client: fleet.client, namespace: fleet.namespace },
    ...{ objects: objectsOf(`---\n${manifest}`), wanted: null },
  })
  if (found.kind !== 'found') throw new Error(found.detail)
  const { driver, execution, lease } = fleet
  return { driver, execution, lease, capabilities: found.capabilities, apply: () => fleet.apply('2.0.0') }
}

async function rehearsal(): Promise<Given> {
  const { db } = world.database
  const releaseId = await world.release(randomUUID())
  const execution: Execution = {
    ...executionOf(releaseId, world.tenantId, { kind: 'Deployment', name: 'app' }),
    target: { kind: 'rehearsal', faults: {} },
  }
  await world.begin(execution)
  const fleet = newRehearsal({ size: 4, faults: { readySeconds: 0 }, releaseIds: [releaseId] }, systemClock.now())
  await transaction(db, (tx) => writeWorld(tx, execution.id, fleet))
  const lease = await world.lease(execution)
  const { driver, act } = simulatedFleet({ db, clock: systemClock })
  const apply = () => act({ kind: 'deploy', releaseIds: [releaseId] }, lease)
  return { driver, execution, lease, capabilities: rehearsalCan, apply }
}

async function releases(): Promise<Given> {
  const releaseId = await world.release(randomUUID())
  const execution = executionOf(releaseId, world.tenantId, { kind: 'Deployment', name: 'app' })
  await world.begin(execution)
  const cluster = { readiness: async () => ({ settled: true, blockers: [] }) } as unknown as ReleaseCluster
  let upgraded = 0
  const driver = releaseDriver({
    releasesOf: async () => [0, 1, 2, 3].map((n) => fleetRelease(n, n < upgraded ? '2.0.0' : '1.0.0')),
    clusterOf: () => cluster,
    manifest: async () => '',
    isApplied: async () => true,
    workedOn: async () => new Set(),
    probe: async () => 'good',
  })
  const apply = async () => {
    upgraded += 1
  }
  return { driver, execution, lease: await world.lease(execution), capabilities: releasesCan, apply }
}

const fleetRelease = (n: number, newestChartVersion: string): FleetRelease =>
  ({
    ...{ id: `release-${n}`, name: `release-${n}`, clusterId: world.clusterId, namespace: 'several' },
    ...{ status: 'DEPLOYED', newestChartVersion },
  }) as unknown as FleetRelease

type Fleets = { readonly name: string; readonly make: () => Promise<Given>; readonly can: Capabilities }
const gated = { hold: 'gate', surge: false, ordered: false, pin: false } as const
const fleets: readonly Fleets[] = [
  { name: 'a Deployment', make: () => workload('Deployment'), can: { ...gated, surge: true, pin: true } },
  { name: 'a StatefulSet', make: () => workload('StatefulSet'), can: { ...gated, ordered: true } },
  { name: 'a DaemonSet', make: () => workload('DaemonSet'), can: gated },
  { name: 'a rehearsal', make: rehearsal, can: { ...gated, surge: true, pin: true } },
  { name: 'several releases', make: releases, can: { ...gated, hold: 'each' } },
]
const who = (wanted: (can: Capabilities) => boolean): readonly Fleets[] => fleets.filter(({ can }) => wanted(can))

type Present = Extract<FleetSight, { kind: 'present' }>

async function see({ driver, execution }: Given): Promise<Present> {
  const sight = await driver.observe(execution, { aboutToGo: [], wantsProbe: () => false })
  if (sight.kind === 'gone') throw new Error(sight.why)
  return sight
}

const gate = (
  { driver, execution, lease }: Given,
  ...[position, take]: [Parameters<FleetDriver['gate']>[1], Member[]?]
) =>
  driver.gate(
    execution,
    position,
    (take ?? []).map(({ pod }) => pod),
    heldBy(lease),
  )

/** The members that are there: of a StatefulSet the highest ordinal first, which goes first. */
const present = ({ members }: Present): Member[] =>
  members.filter(({ terminating }) => !terminating).toSorted((a, b) => Number(b.key) - Number(a.key) || 0)
const onSide = (sight: Present, side: Member['side']): Member[] => present(sight).filter((one) => one.side === side)
const uids = (members: readonly Member[]) => members.map(({ pod }) => pod.uid).toSorted()

/** Waits until so many are on the target version, all ready, and as many as are wanted beside those that surge. */
const until = (fleet: Given, target: number, previous: number) =>
  eventually(
    () => see(fleet),
    (sight) =>
      onSide(sight, 'target').length === target &&
      onSide(sight, 'previous').length === previous &&
      present(sight).every(({ ready }) => ready),
  )

/** The very same instances stay: the only way to see that nothing happens. */
async function stays(fleet: Given, ms = 1500): Promise<Present> {
  const before = uids(present(await see(fleet)))
  for (const end = Date.now() + ms; Date.now() < end; await systemClock.sleep(50)) {
    expect(uids(present(await see(fleet)))).toEqual(before)
  }
  return see(fleet)
}

/** Given a fleet that is held beneath the target version: nothing has moved. */
async function held(make: () => Promise<Given>): Promise<{ readonly fleet: Given; readonly size: number }> {
  const fleet = await make()
  const first = await see(fleet)
  await gate(fleet, { kind: 'closed' })
  await fleet.apply()
  expect(uids(present(await stays(fleet)))).toEqual(uids(present(first)))
  return { fleet, size: first.wanted }
}

test.each(fleets)('$name can what the table says', async ({ make, can }) => {
  expect((await make()).capabilities).toEqual(can)
})

describe.each(who(({ hold }) => hold === 'gate'))('$name, held by a gate,', ({ make }) => {
  test('lets the next instance go, and no other, as often as it is asked', async () => {
    const { fleet, size } = await held(make)
    for (const upTo of [1, 2]) {
      const old = onSide(await see(fleet), 'previous')
      const [next] = old
      if (next === undefined) throw new Error('nobody is left')
      await gate(fleet, { kind: 'admitting', upTo, surge: 0 }, [next])
      const moved = await until(fleet, upTo, size - upTo)
      const kept = uids(onSide(moved, 'previous'))
      expect(kept.filter((uid) => !uids(old).includes(uid))).toEqual([])
      if (next.key !== null) expect(kept).not.toContain(next.pod.uid)
      expect((await stays(fleet)).gate).toEqual({ kind: 'admitting', upTo, surge: 0 })
      await gate(fleet, { kind: 'admitting', upTo, surge: 0 })
      await stays(fleet, 600)
    }
  })

  test('stays as it is when it is frozen, in two versions', async () => {
    const { fleet, size } = await held(make)
    await gate(fleet, { kind: 'admitting', upTo: 1, surge: 0 }, onSide(await see(fleet), 'previous').slice(0, 1))
    await until(fleet, 1, size - 1)
    await gate(fleet, { kind: 'frozen' })
    expect(await stays(fleet)).toMatchObject({ gate: { kind: 'frozen' }, wanted: size })
    await gate(fleet, { kind: 'frozen' })
    await stays(fleet)
    await gate(fleet, { kind: 'none' })
    await until(fleet, size, 0)
  })
})

test.each(who(({ surge }) => surge))('$name lets one come beside the old ones', async ({ make }) => {
  const { fleet, size } = await held(make)
  await gate(fleet, { kind: 'admitting', upTo: 0, surge: 1 })
  await until(fleet, 1, size)
  expect((await stays(fleet)).gate).toEqual({ kind: 'admitting', upTo: 0, surge: 1 })
})

test.each(who(({ pin }) => pin))('$name pins traffic to one side and to the other', async ({ make }) => {
  const { fleet, size } = await held(make)
  const pin = async (to: 'previous' | 'target' | null) => {
    await fleet.driver.pin(fleet.execution, to, heldBy(fleet.lease))
    await eventually(
      () => see(fleet),
      (sight) => (to === null ? sight.pin === null : sight.pin?.to === to && sight.pin.endpoints === size),
    )
  }
  await pin('previous')
  await gate(fleet, { kind: 'admitting', upTo: 0, surge: size })
  await until(fleet, size, size)
  for (const to of ['target', 'previous', 'target', 'target', null, null] as const) await pin(to)
})

test.each(who(({ hold }) => hold === 'each'))(
  '$name move when they are upgraded, and no gate moves any',
  async ({ make }) => {
    const fleet = await make()
    const all = uids(present(await see(fleet)))
    for (const n of [1, 2]) {
      for (const kind of ['closed', 'frozen', 'none'] as const) await gate(fleet, { kind })
      await gate(fleet, { kind: 'admitting', upTo: 4, surge: 0 })
      expect(onSide(await see(fleet), 'target')).toHaveLength(n - 1)
      await fleet.apply()
      const moved = await see(fleet)
      expect([onSide(moved, 'target').length, onSide(moved, 'previous').length]).toEqual([n, 4 - n])
      expect(uids(present(moved))).toEqual(all)
    }
  },
)
