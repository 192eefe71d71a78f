import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { isSettled } from './choosing.ts'
import type { Execution, Strategy } from './model.ts'
import { isResting as isShut } from './position.ts'
import { waits } from './reasons.ts'
import { killPod, scale } from './testing/disturb.ts'
import { Guard } from './testing/invariants.ts'
import { given } from './testing/scenario.ts'
import { type Setup, Simulation, say } from './testing/simulation.ts'

// What others do to the fleet of an execution that rests: no gate stands open then (docs/adr/0050).

const atRest: readonly string[] = [
  waits.approval,
  waits.paused,
  waits.delay,
  waits.promotion,
  waits.budget,
  waits.canaryFailed,
]

const rests = (execution: Execution): boolean =>
  execution.stage === 'moving' && isSettled(execution) && atRest.includes(execution.waitingFor?.reason ?? '')

const spec = fc.record({
  strategy: fc.constantFrom<Strategy[]>('ROLLING', 'STAGED', 'CANARY'),
  canaryPercentage: fc.constantFrom(10, 25, 50, 75),
  batchSize: fc.integer({ min: 1, max: 5 }),
  batchDelaySeconds: fc.constantFrom(0, 600),
  maxUnavailablePercentage: fc.constantFrom(1, 25, 50, 100),
  failureThreshold: fc.constantFrom(2, 20),
  autoRollbackEnabled: fc.boolean(),
})

const setup: fc.Arbitrary<Setup> = fc.record({
  size: fc.integer({ min: 2, max: 12 }),
  spec,
  room: fc.constantFrom(0, 1, 3, 60),
  faults: fc.record({ neverReady: fc.array(fc.nat(11), { maxLength: 2 }) }, { requiredKeys: [] }),
})

type Doing = { readonly percent: number; readonly kill: number | null; readonly pause: boolean }
const doings = fc.array(
  fc.record<Doing>({
    percent: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 99 }) }, fc.constantFrom(100, 150, 200)),
    kill: fc.option(fc.nat(30)),
    pause: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)

function disturbAtRest(given: Setup, all: readonly Doing[]): void {
  const simulation = new Simulation(given)
  const guard = new Guard(simulation)
  simulation.command(say.start)
  for (const { percent, kill, pause } of all) {
    simulation.run(rests)
    if (simulation.ended || !rests(simulation.execution)) return
    if (pause) simulation.command(say.pause)
    const to = Math.max(1, Math.floor((simulation.world.wanted * percent) / 100))
    guard.disturb((world) => scale(world, to, simulation.now))
    if (kill !== null) guard.disturb((world) => killPod(world, kill, simulation.now))
    simulation.run(undefined, 60_000)
    if (!simulation.command(say.resume)) simulation.command(say.promote)
  }
}

const { numRuns, limitMs } = propertyRuns(300)

test(
  'nothing of the target version starts by what others do while an execution rests',
  () => fc.assert(fc.property(setup, doings, disturbAtRest), { numRuns }),
  limitMs,
)

test('an old pod that dies while the fleet is scaled up: what comes in its place is none that was let go', () => {
  const spec = { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds: 3600 }
  given({ size: 4, spec, room: 2 })
    .untilWaiting(waits.delay)
    .when('pause')
    .afterSeconds(60)
    .inCluster((world, now) => scale(killPod(killPod(world, 3, now), 0, now), 8, now))
    .so((_, { world }) => expect(world.sizes).toEqual({ previous: 4, target: 4 }))
    .afterSeconds(600)
    .thenOnTarget(4)
    .so((_, { world }) =>
      expect([world.sizes, world.gate]).toMatchObject([{ previous: 4, target: 4 }, { rests: true }]),
    )
    .when('resume')
    .untilStatus('COMPLETED')
    .thenOnTarget(8)
})

test('a gate that was left open, by another hand or a version before this one, is shut at the next look', () => {
  given({ size: 6, spec: { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds: 3600 } })
    .untilWaiting(waits.delay)
    .inCluster((world) => ({ ...world, gate: { kind: 'admitting', upTo: 2, surge: 0 } }))
    .afterSeconds(31)
    .so((_, { world }) => expect(world.gate).toEqual({ kind: 'admitting', upTo: 2, surge: 0, rests: true }))
})

test('a canary that has failed and waits for a person rests as it stands', () => {
  const faults = { turnsBad: [{ index: 0, afterSeconds: 100 }] }
  given({ size: 4, spec: { strategy: 'CANARY', canaryPercentage: 25 }, faults })
    .untilWaiting(waits.canaryFailed)
    .afterSeconds(60)
    .so((_, { world }) =>
      expect([world.gate, world.sizes]).toMatchObject([{ rests: true }, { previous: 3, target: 1 }]),
    )
})

test.each([0, 2])('new pods are checked with the gate shut, with room for %s', (room) => {
  given({ size: 6, spec: { batchSize: 2, maxUnavailablePercentage: 50 }, room })
    .until(({ instances }) => instances.some(({ status }) => status === 'HEALTH_CHECKING'))
    .afterSeconds(5)
    .so((_, { world }) => expect(world.gate).toMatchObject({ surge: room, rests: true }))
})

test.each(['ordered', 'nodes', 'each'] as const)('what has named places needs no rest: %s', (kind) => {
  given({ size: 4, kind, spec: { strategy: 'STAGED', batchSize: 2 } })
    .untilWaiting(waits.approval)
    .so((_, { acts }) => {
      expect(acts.some((act) => act.kind === 'gate' && isShut(act.position))).toBe(false)
    })
})
