import { tally } from '../src/upgrades/core/instances.ts'
import { type ExecutionCommand, type Strategy, strategies } from '../src/upgrades/core/model.ts'
import { type FleetKind, fleetKinds } from '../src/upgrades/core/rehearsal/world.ts'
import { Guard } from '../src/upgrades/core/testing/invariants.ts'
import { type Fate, type Setup, Simulation, say } from '../src/upgrades/core/testing/simulation.ts'

/**
 * Upgrade executions on simulated fleets with crashes, refused acts, faults and commands at random moments, each to its
 * end, with the invariants checked at every decision. The same seed gives the same run. Then one large fleet, for what a
 * decision costs there. Throws, naming the execution, when one breaks an invariant or does not end.
 */
export function simulate(executions: number, seed: number): void {
  const totals = { decisions: 0, decideMs: 0, steps: 0, ends: new Map<string, number>() }
  const from = performance.now()
  for (let n = 0; n < executions; n++) {
    runOne(`${seed}/${n}`, randomOf(seed * 1_000_003 + n), totals)
    if ((n + 1) % 100_000 === 0)
      console.log(`  ${n + 1} executions after ${((performance.now() - from) / 1000).toFixed(0)} s`)
  }
  report(executions, (performance.now() - from) / 1000, totals)
  largeFleet(10_000)
}

type Totals = { decisions: number; decideMs: number; steps: number; readonly ends: Map<string, number> }
type Random = (below: number) => number

/** Mulberry32: small, fast, the same everywhere. */
function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const pick = <T>(random: Random, items: readonly [T, ...T[]]): T => items[random(items.length)] ?? items[0]

function setupOf(random: Random): Setup {
  const size = 1 + random(random(4) === 0 ? 60 : 12)
  const strategy = pick<Strategy>(random, strategies)
  const kind = strategy === 'BLUE_GREEN' ? 'surging' : pick<FleetKind>(random, [...fleetKinds, 'surging', 'surging'])
  const interval = pick(random, [1, 30, 3600])
  const building = kind === 'ordered' ? { inTurn: random(2) === 0, present: random(2) === 0 ? size : random(size) } : {}
  const some = (): readonly number[] => (random(4) === 0 ? [random(size)] : [])
  return {
    size,
    kind,
    room: strategy === 'BLUE_GREEN' ? size : pick(random, [0, 1, 3, size]),
    healthEndpoint: random(2) === 0,
    podsChange: random(20) > 0,
    ...building,
    faults: { neverReady: some(), neverDrains: some(), unreadyBefore: some(), neverReverts: some() },
    spec: {
      strategy,
      canaryPercentage: 1 + random(100),
      batchSize: 1 + random(random(2) === 0 ? 6 : 1000),
      batchDelaySeconds: interval * random(4),
      healthCheckIntervalSeconds: interval,
      healthCheckTimeoutSeconds: interval * (2 + random(8)),
      maxUnavailablePercentage: 1 + random(100),
      autoRollbackEnabled: random(2) === 0,
      failureThreshold: 1 + random(5),
    },
  }
}

const fates: readonly [Fate, ...Fate[]] = ['lost', 'doneAndLost', 'late', 'refused']
const commands = [say.pause, say.rollback, say.cancel, say.cancelNow] as const

function runOne(name: string, random: Random, totals: Totals): void {
  const simulation = measured(new Simulation(setupOf(random)), totals)
  new Guard(simulation, true)
  simulation.command(say.start)
  for (let steps = 0; !simulation.ended && steps < 50_000; steps++) {
    simulation.next(random(8) === 0 ? pick(random, fates) : 'done', random(20) === 0 ? 'blind' : 'clear')
    if (random(200) === 0) simulation.command(pick<ExecutionCommand>(random, commands))
    person(simulation)
  }
  if (!simulation.ended)
    throw new Error(`execution ${name} does not end: ${JSON.stringify(simulation.execution.waitingFor)}`)
  const { status } = simulation.execution
  totals.ends.set(status, (totals.ends.get(status) ?? 0) + 1)
}

/** What a person does about what waits for one. */
function person(simulation: Simulation): void {
  const reason = simulation.execution.waitingFor?.reason
  if (reason === 'APPROVAL_REQUIRED' || reason === 'PAUSED') simulation.command(say.resume)
  if (reason === 'CANARY_PROMOTION') simulation.command(say.promote)
  if (reason === 'CANARY_FAILED') simulation.command(say.cancel)
}

/** Counts decisions, the time that they take, and the steps of instances that they make. */
function measured(simulation: Simulation, totals: Totals): Simulation {
  const { decide } = simulation
  simulation.decide = (...given) => {
    const from = performance.now()
    const decision = decide(...given)
    totals.decideMs += performance.now() - from
    totals.decisions += 1
    if (decision.kind === 'next')
      totals.steps += decision.events.filter(({ type }) => type === 'execution.instance-changed').length
    return decision
  }
  return simulation
}

function report(executions: number, seconds: number, { decisions, decideMs, steps, ends }: Totals): void {
  console.log(`${executions} executions in ${seconds.toFixed(1)} s: ${Math.round(executions / seconds)} a second`)
  console.log(`  ends: ${[...ends].map(([status, count]) => `${status} ${count}`).join(', ')}`)
  console.log(`  ${((1000 * decideMs) / decisions).toFixed(0)} us a decision, ${decisions} decisions`)
  console.log(
    `  ${((1000 * decideMs) / steps).toFixed(0)} us of decisions an instance step (aim 1,000), ${steps} steps`,
  )
}

/** A decision looks at every instance: what it costs in a fleet of that size, rolling in batches of 1,000. */
function largeFleet(size: number): void {
  const totals: Totals = { decisions: 0, decideMs: 0, steps: 0, ends: new Map() }
  const spec = { batchSize: 1000, batchDelaySeconds: 0 }
  const simulation = measured(new Simulation({ size, spec, kind: 'nodes' }), totals)
  simulation.command(say.start)
  simulation.run()
  const { COMPLETED } = tally(simulation.execution.instances)
  console.log(
    `a fleet of ${size}: ${COMPLETED} completed, ${(totals.decideMs / totals.decisions).toFixed(1)} ms a decision`,
  )
  console.log(`  ${((1000 * totals.decideMs) / totals.steps).toFixed(0)} us of decisions an instance step`)
}
