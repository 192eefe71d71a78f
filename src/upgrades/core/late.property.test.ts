import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import type { Strategy, UpgradeSpec } from './model.ts'
import { strategies } from './model.ts'
import { type FleetKind, fleetKinds } from './rehearsal/world.ts'
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
        simulation.now = Math.max(simulation.now, simulation.due) + (late[looks % late.length] ?? 0)
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
})
