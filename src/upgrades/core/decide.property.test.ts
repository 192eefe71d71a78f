import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import type { ErrorCode } from '../../core/problems.ts'
import { isForward } from './instances.ts'
import type { ExecutionAct, ExecutionCommand, RehearsalFaults, Strategy } from './model.ts'
import { isTerminal, strategies } from './model.ts'
import { type FleetKind, fleetKinds, type Stopping, stopsAtOnce, type World } from './rehearsal/world.ts'
import {
  anotherHand,
  breakPod,
  editTemplate,
  handEnds,
  handInVain,
  killPod,
  lateWrite,
  misPin,
  restoreTemplate,
  scale,
  undoTemplate,
} from './testing/disturb.ts'
import { Guard } from './testing/invariants.ts'
import type { OtherWorkload } from './testing/others.ts'
import { type Fate, type Setup, type Sight, Simulation, say } from './testing/simulation.ts'

/** What another hand does to the pod template. */
const templates = { other: editTemplate, previous: undoTemplate, ours: restoreTemplate }

type ActKind = ExecutionAct['kind']
type Move =
  | { readonly kind: 'next'; readonly fate: Fate; readonly sight: Sight; readonly times: number }
  | { readonly kind: 'again' }
  /** A rollback with instances in flight, and a cancel so many looks later. */
  | { readonly kind: 'turn'; readonly looks: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'command'; readonly command: ExecutionCommand }
  | { readonly kind: 'scale'; readonly to: number }
  | { readonly kind: 'kill' | 'break'; readonly nth: number }
  | { readonly kind: 'hand' | 'handPends' | 'handFails' | 'handDeploys' | 'misPin' | 'lateWrite' }
  | { readonly kind: 'template'; readonly to: keyof typeof templates }
  | { readonly kind: 'refuse'; readonly acts: readonly ActKind[] }

const fates: readonly Fate[] = ['lost', 'doneAndLost', 'late', 'refused']
const fate = fc.oneof({ weight: 6, arbitrary: fc.constant<Fate>('done') }, fc.constantFrom(...fates))
const sight = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Sight>('clear') },
  fc.constantFrom<Sight[]>('blind', 'uncommitted'),
)
const commands = [say.pause, say.resume, say.resume, say.promote, say.promote, say.rollback, say.cancel, say.cancelNow]

const actKinds: ActKind[] = ['gate', 'pin', 'deploy', 'undo', 'conclude', 'removePods']

/** Acts that are refused from then on, each time. */
const refusals = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly ActKind[]>([]) },
  fc.subarray(actKinds, { minLength: 1 }),
)

const own = [
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('next' as const), fate, sight, times: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'again' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(100, 5_000, 100_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('command' as const), command: fc.constantFrom(...commands) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('turn' as const), looks: fc.nat(24) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), acts: refusals }) },
] as const
const others = [
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scale' as const), to: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scale' as const), to: fc.constantFrom(0, 0, 3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'break' as const), nth: fc.nat(60) }),
  },
  { weight: 1, arbitrary: fc.constantFrom(...(['hand', 'misPin', 'lateWrite'] as const).map((kind) => ({ kind }))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...(['handPends', 'handFails', 'handDeploys'] as const).map((kind) => ({ kind }))),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...(['other', 'previous', 'ours'] as const).map((to) => ({ kind: 'template' as const, to })),
    ),
  },
] as const

const index = fc.nat(12)
const faults: fc.Arbitrary<RehearsalFaults> = fc.record(
  {
    neverReady: fc.array(index, { maxLength: 3 }),
    turnsBad: fc.array(fc.record({ index, afterSeconds: fc.constantFrom(1, 40, 400) }), { maxLength: 2 }),
    neverDrains: fc.array(index, { maxLength: 2 }),
    unreadyBefore: fc.array(index, { maxLength: 2 }),
    neverReverts: fc.array(index, { maxLength: 1 }),
    readySeconds: fc.constantFrom(0, 2, 20),
    deployFails: fc.boolean(),
  },
  { requiredKeys: [] },
)
const someFaults = fc.oneof({ weight: 2, arbitrary: fc.constant<RehearsalFaults>({}) }, faults)

/** Every range of SPEC section 5, with what makes runs long drawn seldom. */
const spec = fc
  .record({
    strategy: fc.constantFrom<Strategy[]>(...strategies),
    canaryPercentage: fc.integer({ min: 1, max: 100 }),
    batchSize: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 1000 })),
    delay: fc.constantFrom(0, 1, 2, 24),
    healthCheckIntervalSeconds: fc.constantFrom(1, 30, 3600),
    ratio: fc.integer({ min: 2, max: 10 }),
    maxUnavailablePercentage: fc.integer({ min: 1, max: 100 }),
    autoRollbackEnabled: fc.boolean(),
    failureThreshold: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 10_000 })),
  })
  .map(({ ratio, delay, ...rest }) => {
    const healthCheckTimeoutSeconds = Math.min(86_400, rest.healthCheckIntervalSeconds * ratio)
    const batchDelaySeconds = Math.min(86_400, rest.healthCheckIntervalSeconds * delay)
    return { ...rest, healthCheckTimeoutSeconds, batchDelaySeconds }
  })

/** Pods that take their time, and that are given less than they take. One that never stops is in `leaving.scenario.test.ts`. */
const stopping = fc.constantFrom<Stopping[]>({ takesMs: 20_000, graceMs: 30_000 }, { takesMs: 20_000, graceMs: 5_000 })

const otherWorkloads: OtherWorkload[] = [
  { pods: 3, secondsEach: 20 },
  { pods: 3, secondsEach: 20, stuckAt: 1 },
]

const size = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 10 }) }, fc.integer({ min: 1, max: 60 }))
const setup: fc.Arbitrary<Setup> = fc.record({
  size,
  kind: fc.oneof({ weight: 3, arbitrary: fc.constant<FleetKind>('surging') }, fc.constantFrom(...fleetKinds)),
  spec,
  faults: someFaults,
  room: fc.constantFrom(0, 1, 3, 60),
  podsChange: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
  // Seldom: what waits for long is looked at often, and costs ten times as much.
  stopping: fc.oneof({ weight: 9, arbitrary: fc.constant(stopsAtOnce) }, stopping),
  // Still building up at first, or not.
  present: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.nat(6)),
  inTurn: fc.boolean(),
  // A disruption budget, or none.
  minAvailable: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 12 })),
  other: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.constantFrom(...otherWorkloads)),
  healthEndpoint: fc.boolean(),
  refuses: refusals,
  refusedWith: fc.constantFrom<ErrorCode[]>('cluster_unavailable', 'not_permitted', 'not_found'),
})

/**
 * Blue-green needs a fleet that surges and can be pinned, and room for all: initiate and the checks refuse it elsewhere. Only
 * an ordered fleet builds up so that it matters.
 */
function possible({ present, inTurn = false, ...rest }: Setup): Setup {
  const given = rest.kind === 'ordered' && rest.spec?.strategy !== 'BLUE_GREEN' ? { ...rest, present, inTurn } : rest
  if (given.spec?.strategy !== 'BLUE_GREEN') return given
  return { ...given, kind: 'surging', room: given.size ?? 1 }
}

/** What is in flight when it turns round, forward or back, is so still when that is cancelled. */
function turnRound(simulation: Simulation, looks: number): void {
  for (let n = 0; n < 30 && !simulation.execution.instances.some(isForward); n++) simulation.next()
  simulation.command(say.rollback)
  for (let n = 0; n < looks; n++) simulation.next()
  simulation.command(say.cancel)
}

/** What is pending of another hand fails; where nothing is, a revision that has. */
function handFails(world: World, now: number): World {
  const isPending = world.releases.some(({ stands }) => stands === 'pending')
  return isPending ? handEnds(world, 'failed', now) : handInVain('failed')(world, now)
}

function apply(simulation: Simulation, guard: Guard, move: Move): void {
  if (move.kind === 'next') {
    for (let n = 1; n < move.times; n++) simulation.next()
    simulation.next(move.fate, move.sight)
  }
  if (move.kind === 'again') simulation.step('done', 'stale')
  if (move.kind === 'time') simulation.now += move.ms
  if (move.kind === 'command') simulation.command(move.command)
  if (move.kind === 'turn') turnRound(simulation, move.looks)
  if (move.kind === 'scale') guard.disturb((world) => scale(world, move.to, simulation.now))
  if (move.kind === 'kill') guard.disturb((world) => killPod(world, move.nth, simulation.now))
  if (move.kind === 'break') simulation.world = breakPod(simulation.world, move.nth, simulation.now)
  if (move.kind === 'refuse') simulation.refuses = move.acts
  if (move.kind === 'misPin') simulation.world = misPin(simulation.world, simulation.now)
  if (move.kind === 'lateWrite') simulation.world = lateWrite(simulation.world, simulation.now)
  if (move.kind === 'template') simulation.world = templates[move.to](simulation.world, simulation.now)
  if (move.kind === 'hand') simulation.world = anotherHand(simulation.world, simulation.now)
  if (move.kind === 'handPends') simulation.world = handInVain('pending')(simulation.world, simulation.now)
  if (move.kind === 'handFails') simulation.world = handFails(simulation.world, simulation.now)
  if (move.kind === 'handDeploys') simulation.world = handEnds(simulation.world, undefined, simulation.now)
}

/** What only a person can end: then it is said, and looked at again. */
const restful = ['PAUSED', 'APPROVAL_REQUIRED', 'CANARY_PROMOTION', 'CANARY_FAILED']

/** What is tried until the cluster takes it, and is said: that which puts things in order, and what settles in PAUSED. */
function isTriedOn({ refuses, execution: { stage, status } }: Simulation): boolean {
  return refuses.length > 0 && (stage === 'concluding' || stage === 'releasing' || status === 'PAUSED')
}

function runUntilQuiet(simulation: Simulation): void {
  let quiet = 0
  let refused = 0
  const resting = (): boolean => {
    const reason = simulation.execution.waitingFor?.reason ?? ''
    quiet = restful.includes(reason) ? quiet + 1 : 0
    // Between two of them it is being tried: that is no other rest.
    if (isTriedOn(simulation) && reason === 'ACT_FAILED') refused += 1
    return quiet > 30 || refused > 60
  }
  simulation.run(resting, 1000 * 86_400 * 400)
}

/** Lets everything take its course, and approves and promotes; what then still waits for a person is cancelled, and ends. */
function afterwards(simulation: Simulation): void {
  simulation.deliverLate()
  for (let patience = 60; patience > 0 && !simulation.ended; patience--) {
    runUntilQuiet(simulation)
    if (!simulation.command(say.resume)) simulation.command(say.promote)
  }
  runUntilQuiet(simulation)
  if (simulation.ended) return
  const { status, stage, waitingFor, ending } = simulation.execution
  const says = `${status} ${stage} waits for ${waitingFor?.reason}: ${waitingFor?.detail}`
  expect(restful.includes(waitingFor?.reason ?? '') || isTriedOn(simulation), says).toBe(true)
  simulation.refuses = []
  if (ending === null) expect(simulation.command(say.cancel), says).toBe(true)
  simulation.run(undefined, 1000 * 86_400 * 400)
  expect(isTerminal(simulation.execution.status), `${simulation.execution.waitingFor?.reason} after cancel`).toBe(true)
}

function run(given: Setup, moves: readonly Move[], calm: boolean): void {
  const simulation = new Simulation(given)
  const guard = new Guard(simulation, calm)
  simulation.command(say.start)
  for (const move of moves) {
    if (simulation.ended) break
    apply(simulation, guard, move)
  }
  afterwards(simulation)
}

/** More than a thousand by default. */
const { numRuns, limitMs } = propertyRuns(600)

test(
  'whatever happens to us: invariants hold and every execution ends or says what it waits for',
  () => {
    const moves = fc.array(fc.oneof(...own), { maxLength: 40 })
    fc.assert(
      fc.property(setup.map(possible), moves, (given, done) => run(given, done, true)),
      { numRuns },
    )
  },
  limitMs,
)

test(
  'the same with scaling, pods that die or break, and another hand',
  () => {
    const moves = fc.array(fc.oneof(...own, ...others), { maxLength: 40 })
    fc.assert(
      fc.property(setup.map(possible), moves, (given, done) => run(given, done, false)),
      { numRuns },
    )
  },
  limitMs,
)
