import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { isInFlight, targetPod } from './instances.ts'
import { judge } from './judge.ts'
import type { Strategy, UpgradeSpec } from './model.ts'
import { strategies } from './model.ts'
import { awaitsTurn } from './order.ts'
import { advance } from './rehearsal/fleet.ts'
import { type FleetKind, fleetKinds, refOf, toldToGo } from './rehearsal/world.ts'
import { membersOf } from './slots.ts'
import { given } from './testing/scenario.ts'
import { type Setup, Simulation, say } from './testing/simulation.ts'

// Looks that come late because the machine is busy, or was started again: that is on no instance's account.

/** How late a look is: mostly too little to be forgiven as an outage of ours, now and then much. */
const lateness = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 10_000 }) },
)

const { numRuns, limitMs } = propertyRuns(300)

const spec: fc.Arbitrary<Partial<UpgradeSpec>> = fc
  .record({
    strategy: fc.constantFrom<Strategy[]>(...strategies),
    batchSize: fc.integer({ min: 1, max: 3 }),
    maxUnavailablePercentage: fc.constantFrom(25, 100),
    healthCheckIntervalSeconds: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ more, ...rest }) => ({
    ...rest,
    healthCheckTimeoutSeconds: rest.healthCheckIntervalSeconds * 2 + more,
    batchDelaySeconds: 1,
    failureThreshold: 1,
  }))

/** Ready as soon as they are there: whoever looks in time sees every one of them pass. */
const setup: fc.Arbitrary<Setup> = fc
  .record({
    size: fc.integer({ min: 1, max: 6 }),
    kind: fc.constantFrom<FleetKind>(...fleetKinds),
    spec,
    faults: fc.constant({ readySeconds: 0 }),
    stopping: fc.constant({ takesMs: 200, graceMs: 1_000 }),
    inTurn: fc.boolean(),
    healthEndpoint: fc.boolean(),
  })
  .map((each) => (each.spec.strategy === 'BLUE_GREEN' ? { ...each, kind: 'surging' as const } : each))

test(
  'however late looks come, an instance that is always healthy never fails',
  () => {
    const run = (drawn: Setup, late: readonly number[]) => {
      const simulation = new Simulation(drawn)
      simulation.command(say.start)
      for (let looks = 0; looks < 1_000 && simulation.due !== null; looks++) {
        // Of each round one is in time: what is watched for a time is watched for none where every look is forgiven.
        simulation.now = Math.max(simulation.now, simulation.due) + (late[looks % (late.length + 1)] ?? 0)
        simulation.next()
        const failed = simulation.execution.instances.find(({ status }) => status === 'FAILED')
        expect(failed?.message).toBeUndefined()
        if (!simulation.command(say.resume)) simulation.command(say.promote)
      }
      expect([simulation.execution.status, simulation.execution.statusReason]).toEqual(['COMPLETED', null])
    }
    fc.assert(fc.property(setup, fc.array(lateness, { minLength: 1, maxLength: 40 }), run), { numRuns })
  },
  limitMs,
)

/** Somebody evicts the new pods of instances that have not passed yet. */
function evictUnproved(simulation: Simulation): void {
  const { execution, now } = simulation
  const unproved = new Set(execution.instances.flatMap((one) => (isInFlight(one) ? (targetPod(one)?.uid ?? []) : [])))
  const world = advance(simulation.world, now)
  const goes = (pod: (typeof world.pods)[number]) => pod.goneAt === null && unproved.has(refOf(world, pod).uid)
  simulation.world = { ...world, pods: world.pods.map((pod) => (goes(pod) ? toldToGo(world, pod) : pod)) }
}

test(
  'however often new pods are replaced, an instance in flight has passed or failed two intervals after its limit',
  () => {
    const run = (drawn: Setup, evicts: readonly boolean[]) => {
      const simulation = new Simulation(drawn)
      simulation.command(say.start)
      const { healthCheckIntervalSeconds: interval, healthCheckTimeoutSeconds: timeout } = simulation.execution.spec
      // One until it is seen, one between its two checks; and the grace period of its old pod.
      const longest = timeout + 2 * interval + 2
      for (let looks = 0; looks < 1_000 && simulation.next(); looks++) {
        const awaited = simulation.execution.instances.filter((one) => isInFlight(one) && !awaitsTurn(one))
        for (const { startedAt, status } of awaited) {
          expect([status, (simulation.now - (startedAt ?? 0)) / 1000 <= longest]).toEqual([status, true])
        }
        if (evicts[looks % evicts.length]) evictUnproved(simulation)
        if (!simulation.command(say.resume)) simulation.command(say.promote)
      }
      expect(simulation.ended).toBe(true)
    }
    const replaced = setup.filter(({ kind }) => kind !== 'each')
    fc.assert(fc.property(replaced, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), run), { numRuns })
  },
  limitMs,
)

describe('at the limit of an instance', () => {
  const brief = { batchSize: 1, healthCheckIntervalSeconds: 4, healthCheckTimeoutSeconds: 8, failureThreshold: 1 }
  const broken = ({ instances }: { readonly instances: readonly { readonly status: string }[] }) =>
    instances.some(({ status }) => status === 'FAILED')

  test('one that is never ready fails in time', () => {
    const fleet = given({ size: 2, spec: brief, faults: { neverReady: [0, 1] } }).until(
      ({ stage }) => stage === 'moving',
    )
    const begun = fleet.simulation.now
    fleet.until(broken)
    expect(fleet.simulation.now - begun).toBeLessThanOrEqual(9_000)
  })

  test('one that was good once, a moment before, has one more check, and no look is wasted until then', () => {
    const fleet = given({ size: 2, spec: brief, faults: { readySeconds: 7 } })
    fleet.until(({ instances }) => instances.some(({ health }) => health.good === 1))
    const checked = fleet.simulation.now
    let looks = 0
    fleet.until((execution) => {
      looks += 1
      return execution.instances.some(({ status }) => status === 'COMPLETED')
    })
    expect([fleet.simulation.now - checked, looks < 10]).toEqual([4_000, true])
  })

  test('one that was good once and turns bad fails at its next check, or as soon as it is not ready', () => {
    const faults = { readySeconds: 7, turnsBad: [0, 1].map((index) => ({ index, afterSeconds: 3 })) }
    const fleet = given({ size: 2, spec: brief, faults })
    fleet.until(({ instances }) => instances.some(({ health }) => health.good === 1))
    const checked = fleet.simulation.now
    fleet.until(broken)
    expect(fleet.simulation.now - checked).toBeLessThanOrEqual(4_000)
    expect(fleet.execution.rollbackInfo.currentFailures).toBe(1)
  })

  test('one whose pods become ready and are evicted before their second check, again and again, fails', () => {
    const spec = { ...brief, healthCheckIntervalSeconds: 30, healthCheckTimeoutSeconds: 300 }
    const fleet = given({ size: 1, kind: 'nodes', spec, faults: { readySeconds: 5 } })
    fleet.until(({ instances }) => instances.some(isInFlight))
    const { simulation } = fleet
    const begun = simulation.now
    while (simulation.now < begun + 1_200_000 && !broken(fleet.execution)) {
      simulation.next()
      if (fleet.execution.instances.some(({ health }) => health.good === 1)) evictUnproved(simulation)
    }
    expect(broken(fleet.execution)).toBe(true)
    expect(simulation.now - begun).toBeLessThanOrEqual(331_000)
  })

  /** What becomes of an instance with a limit of 8 seconds whose pod is first seen ready so late. */
  function seenUp(atMs: number, readySinceMs: number | undefined, probe: 'good' | undefined) {
    const { simulation, execution } = given({ size: 1, kind: 'nodes', spec: brief, healthEndpoint: true }).until(
      ({ instances }) => instances.some((one) => one.status === 'UPGRADING' && targetPod(one) !== null),
    )
    const seen = simulation.observe()
    if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present') throw new Error('the fleet is there')
    const begun = execution.instances[0]?.startedAt ?? 0
    const members = seen.fleet.members.map(({ readySince: _, ...member }) => ({
      ...{ ...member, ready: true, problem: null },
      ...(readySinceMs === undefined ? {} : { readySince: begun + readySinceMs }),
    }))
    const probes: Record<string, 'good'> =
      probe === undefined ? {} : Object.fromEntries(members.map(({ pod }) => [pod.uid, probe]))
    const fleet = { ...seen.fleet, members, probes }
    const evidence = { execution, fleet, members: membersOf(fleet), releases: new Map(), attempt: null }
    return judge({ ...evidence, now: begun + atMs }).instances[0]?.status
  }

  test.each([
    ['was up before it, and is seen late', 8_900, 7_000, 'good', 'HEALTH_CHECKING'],
    ['was up before it, and could not be checked', 15_900, 7_000, undefined, 'HEALTH_CHECKING'],
    ['could not be checked for as long again', 16_000, 7_000, undefined, 'FAILED'],
    ['became ready only after it, before a late look', 8_900, 8_500, 'good', 'FAILED'],
    ['became ready only after it, and could not be checked', 8_900, 8_500, undefined, 'FAILED'],
    ['may have been up before it, since a look may be a second late', 8_900, undefined, 'good', 'HEALTH_CHECKING'],
    ['was seen up later than a look may be late', 9_100, undefined, 'good', 'FAILED'],
  ] as const)('one that %s', (_, at, readySince, probe, wanted) => {
    expect(seenUp(at, readySince, probe)).toBe(wanted)
  })
})
