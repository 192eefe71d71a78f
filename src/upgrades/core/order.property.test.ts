import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import type { Strategy, UpgradeSpec } from './model.ts'
import { Guard } from './testing/invariants.ts'
import { type Setup, Simulation, say } from './testing/simulation.ts'

// Ordered fleets whose pods take nearly all the time that each has: one after another, or all at once.

const { numRuns, limitMs } = propertyRuns(300)

const spec: fc.Arbitrary<Partial<UpgradeSpec>> = fc
  .record({
    strategy: fc.constantFrom<Strategy[]>('ROLLING', 'CANARY', 'STAGED', 'RECREATE'),
    batchSize: fc.integer({ min: 1, max: 5 }),
    maxUnavailablePercentage: fc.constantFrom(25, 50, 100),
    canaryPercentage: fc.constantFrom(10, 50, 80),
    healthCheckIntervalSeconds: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ more, ...rest }) => ({
    ...rest,
    healthCheckTimeoutSeconds: rest.healthCheckIntervalSeconds * 2 + more,
    batchDelaySeconds: 1,
    failureThreshold: 1,
  }))

const fleet = (early: number, neverReady: readonly number[]) =>
  fc
    .record({ size: fc.integer({ min: 1, max: 8 }), spec, inTurn: fc.boolean(), slow: fc.boolean() })
    .map(({ slow, ...rest }): Setup => {
      const readySeconds = Math.max(0, (rest.spec.healthCheckTimeoutSeconds ?? 0) - early)
      const stopping = slow ? { takesMs: 12_000, graceMs: 15_000 } : { takesMs: 200, graceMs: 1_000 }
      return { ...rest, kind: 'ordered', stopping, faults: { readySeconds, neverReady } }
    })

/** Lets it take its course, with looks that are so late, and approves and promotes. */
function run(simulation: Simulation, late: readonly number[]): void {
  simulation.command(say.start)
  for (let looks = 0; looks < 5_000 && simulation.due !== null; looks++) {
    simulation.now = Math.max(simulation.now, simulation.due) + (late[looks % late.length] ?? 0)
    simulation.next()
    if (!simulation.command(say.resume)) simulation.command(say.promote)
  }
}

const lateness = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 20 })

test(
  'an instance that is up in its time, counted from its turn, never fails',
  () => {
    const holds = (setup: Setup, late: readonly number[]) => {
      const simulation = new Simulation(setup)
      new Guard(simulation)
      run(simulation, [...late, 0])
      const why = simulation.execution.instances.flatMap(({ message }) => message ?? [])
      expect([simulation.execution.status, why]).toEqual(['COMPLETED', []])
    }
    fc.assert(fc.property(fleet(1, []), lateness, holds), { numRuns })
  },
  limitMs,
)

test(
  'one that is never up ends, and those behind it too, each within its own time',
  () => {
    const holds = (setup: Setup, late: readonly number[], threshold: number, auto: boolean) => {
      const more = { failureThreshold: threshold, autoRollbackEnabled: auto }
      const simulation = new Simulation({ ...setup, spec: { ...setup.spec, ...more } })
      new Guard(simulation)
      run(simulation, [...late, 0])
      expect(['FAILED', 'ROLLED_BACK']).toContain(simulation.execution.status)
    }
    const broken = fc.subarray([0, 1, 2, 3], { minLength: 1 }).chain((never) => fleet(1, [...never, 0]))
    fc.assert(fc.property(broken, lateness, fc.integer({ min: 1, max: 10 }), fc.boolean(), holds), { numRuns })
  },
  limitMs,
)
