import { isOnTarget, tally } from '../instances.ts'
import type { Execution, ExecutionStatus, InstanceStatus } from '../model.ts'
import { sameJson } from '../planning.ts'
import { letsBe } from '../position.ts'
import { advance } from '../rehearsal/fleet.ts'
import type { World } from '../rehearsal/world.ts'
import { Guard, readyInWorld } from './invariants.ts'
import { type Fate, type Setup, type Sight, Simulation, say } from './simulation.ts'

/** Given a fleet and a request, when this and that happens, then this is so; the invariants are checked at every step. */
export function given(setup: Setup = {}): Scenario {
  const scenario = new Scenario(new Simulation(setup))
  return scenario.when('start')
}

type Said = keyof typeof say

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

function same(actual: unknown, expected: unknown): void {
  must(sameJson(actual, expected), `expected ${JSON.stringify(expected)}, it is ${JSON.stringify(actual)}`)
}

export class Scenario {
  readonly simulation: Simulation
  /** The fewest ready pods that there ever were since the start. */
  fewestReady = Number.POSITIVE_INFINITY

  constructor(simulation: Simulation) {
    this.simulation = simulation
    new Guard(simulation)
  }

  get execution(): Execution {
    return this.simulation.execution
  }

  /** A person gives a command; it must be taken. */
  when(command: Said): this {
    must(this.simulation.command(say[command]), `refused: ${`${command} in ${this.execution.status}`}`)
    return this
  }

  /** Something happens in the cluster. */
  inCluster(change: (world: World, now: number) => World): this {
    this.simulation.world = change(this.simulation.world, this.simulation.now)
    return this
  }

  /** The next looks and acts, one of which has that fate. */
  next(fate: Fate = 'done', sight: Sight = 'clear'): this {
    this.simulation.next(fate, sight)
    return this
  }

  /** Time goes on until that is so; fails when it never is. */
  until(condition: (execution: Execution) => boolean, what = 'the condition'): this {
    for (let steps = 0; steps < 20_000 && !condition(this.execution); steps++) {
      if (!this.simulation.next()) break
      this.fewestReady = Math.min(this.fewestReady, readyInWorld(this.simulation))
    }
    must(condition(this.execution), `${what}; it is ${this.describe()}`)
    return this
  }

  untilStatus(status: ExecutionStatus): this {
    return this.until((execution) => execution.status === status, `until ${status}`)
  }

  untilWaiting(reason: string): this {
    return this.until((execution) => execution.waitingFor?.reason === reason, `until it waits for ${reason}`)
  }

  untilBatch(batch: number): this {
    return this.until(({ currentBatch }) => currentBatch === batch, `until batch ${batch}`)
  }

  /** So many seconds pass, with all looks that are due in them. */
  afterSeconds(seconds: number): this {
    const end = this.simulation.now + seconds * 1000
    this.simulation.run(undefined, seconds * 1000)
    this.simulation.now = Math.max(this.simulation.now, end)
    return this
  }

  so(check: (execution: Execution, simulation: Simulation) => void): this {
    check(this.execution, this.simulation)
    return this
  }

  thenRefused(command: Said): this {
    must(!this.simulation.command(say[command]), `taken: ${`${command} in ${this.execution.status}`}`)
    return this
  }

  thenSteps(...steps: readonly ExecutionStatus[]): this {
    same(
      this.execution.transitions.map(({ to }) => to),
      steps,
    )
    return this
  }

  thenReason(reason: string | null): this {
    same(this.execution.statusReason, reason)
    return this
  }

  thenCounts(expected: Partial<Record<InstanceStatus, number>>): this {
    same({ ...tally(this.execution.instances), ...expected }, tally(this.execution.instances))
    return this
  }

  thenOnTarget(count: number): this {
    same(this.execution.instances.filter(isOnTarget).length, count)
    return this
  }

  /** How many instances every gate let be on the target version, in the order in which it was set. */
  thenGates(...expected: readonly number[]): this {
    const sums = this.simulation.acts.flatMap((act) =>
      act.kind === 'gate' && act.position.kind === 'admitting' ? letsBe(act.position) : [],
    )
    same(
      sums.filter((sum, at) => sum !== sums[at - 1]),
      expected,
    )
    return this
  }

  thenActs(...kinds: readonly string[]): this {
    same(
      this.simulation.acts.map(({ kind }) => kind),
      kinds,
    )
    return this
  }

  get world(): World {
    return advance(this.simulation.world, this.simulation.now)
  }

  private describe(): string {
    const { status, stage, statusReason, waitingFor, instances } = this.execution
    return JSON.stringify({ status, stage, statusReason, waitingFor, counts: tally(instances) })
  }
}
