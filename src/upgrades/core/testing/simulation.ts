import type { Attempt, AttemptResult, Decision } from '../../../core/decision.ts'
import type { DomainEvent } from '../../../core/events.ts'
import type { Instant } from '../../../core/instant.ts'
import type { ErrorCode } from '../../../core/problems.ts'
import type { Uuid } from '../../../core/subject.ts'
import { newExecution } from '../create.ts'
import { decideExecution } from '../decide.ts'
import type {
  Capabilities,
  CheckReport,
  Execution,
  ExecutionAct,
  ExecutionCommand,
  ExecutionObservation,
  FleetSight,
  RehearsalFaults,
  UpgradeSpec,
} from '../model.ts'
import { isTerminal } from '../model.ts'
import { podsAboutToGo, wantsProbe } from '../probes.ts'
import { applyAct, capabilitiesOf } from '../rehearsal/apply.ts'
import { observeWorld } from '../rehearsal/observe.ts'
import { createWorld, type FleetKind, type Stopping, stopsAtOnce, type World } from '../rehearsal/world.ts'
import { membersOf } from '../slots.ts'
import { OtherFleet, type OtherWorkload } from './others.ts'

/** The defaults of `seeds/004`. */
export const defaults: UpgradeSpec = {
  strategy: 'ROLLING',
  canaryPercentage: 10,
  batchSize: 5,
  batchDelaySeconds: 60,
  healthCheckIntervalSeconds: 30,
  healthCheckTimeoutSeconds: 300,
  maxUnavailablePercentage: 25,
  autoRollbackEnabled: false,
  failureThreshold: 3,
}

export type Setup = {
  readonly size?: number
  readonly kind?: FleetKind
  readonly spec?: Partial<UpgradeSpec>
  readonly faults?: RehearsalFaults
  /** How many may run beside the old ones; by default as many as there are. */
  readonly room?: number
  readonly podsChange?: boolean
  readonly stopping?: Stopping
  /** How many pods there are at first, where the fleet is still building up. */
  readonly present?: number | undefined
  /** An ordered fleet makes one pod after another. */
  readonly inTurn?: boolean
  /** The fleet was left frozen by an execution before. */
  readonly takesOver?: boolean
  readonly healthEndpoint?: boolean
  /** Another workload of the release would move, were it not for the gate. */
  readonly othersMove?: boolean
  /** Another workload of the release, that takes its time. */
  readonly other?: OtherWorkload | null
  /** What the fleet cannot do after all. */
  readonly capabilities?: Partial<Capabilities>
  readonly failedChecks?: readonly ('BACKUP' | 'RESOURCES')[]
  /** How many pods a disruption budget wants to be ready. */
  readonly minAvailable?: number | undefined
  /** Acts that are refused for good, and with what. */
  readonly refuses?: readonly ExecutionAct['kind'][]
  readonly refusedWith?: ErrorCode
  /** Releases that never ran the version of before: their rollback is refused, that of others given in the same act is not. */
  readonly neverRan?: readonly Uuid[]
}

/**
 * What becomes of an act. `lost`: its worker was lost before it did anything. `doneAndLost`: after. `late`: the write was
 * on its way, and arrives a little later unless another write came first. `refused`: it failed and changed nothing.
 */
export type Fate = 'done' | 'lost' | 'doneAndLost' | 'late' | 'refused'

/** What becomes of a look: `stale` is one of before, `blind` none at all; `uncommitted`: the worker was lost with its decision. */
export type Sight = 'clear' | 'stale' | 'blind' | 'uncommitted'

type Next = Extract<Decision<Execution, ExecutionAct>, { kind: 'next' }>
export type Committed = {
  readonly before: Execution
  readonly decision: Next
  readonly seen: ExecutionObservation | null
}

const executionId = '00000000-0000-4000-8000-000000000001'

/** One execution driven as the engine drives it, on a simulated fleet and a clock that only it moves. */
export class Simulation {
  now: Instant = 1_000_000_000
  execution: Execution
  world: World
  attempt: Attempt<ExecutionAct> | null = null
  due: Instant | null
  readonly events: DomainEvent[] = []
  readonly acts: ExecutionAct[] = []
  /** Told of every decision that was committed: where invariants are checked. */
  onCommit: (committed: Committed) => void = () => undefined
  /** The decision function; a bench puts one that measures in its place. */
  decide = decideExecution
  /** Acts of these kinds are refused, each time, until this says otherwise. */
  refuses: readonly ExecutionAct['kind'][]
  private readonly setup: Setup
  private late: { readonly act: ExecutionAct; readonly writes: number } | null = null
  private readonly other: OtherFleet | null
  private lastSeen: ExecutionObservation | null = null

  constructor(setup: Setup = {}) {
    this.setup = setup
    this.refuses = setup.refuses ?? []
    this.other = setup.other ? new OtherFleet(setup.other) : null
    const {
      size = 10,
      kind = 'surging',
      faults = {},
      podsChange = true,
      stopping = stopsAtOnce,
      inTurn = false,
    } = setup
    const { present } = setup
    const releaseIds = kind === 'each' ? Array.from({ length: size }, (_, n) => `release-${n}`) : ['release-0']
    const world = createWorld({ size, kind, faults, releaseIds, podsChange, stopping, present, inTurn }, this.now)
    const { minAvailable } = setup
    this.world = minAvailable === undefined ? world : { ...world, minAvailable }
    this.execution = this.create(releaseIds, kind, faults)
    this.due = this.now
  }

  private create(releaseIds: readonly string[], kind: FleetKind, faults: RehearsalFaults): Execution {
    const { fleet } = observeWorld(this.world, { wantsProbe: () => false, aboutToGo: [] }, this.now)
    if (fleet.kind === 'gone') throw new Error('the world has a fleet')
    const claims = releaseIds.map((releaseId) => ({
      releaseId,
      deployId: `deploy-${releaseId}`,
      undoId: `undo-${releaseId}`,
      revision: 1,
      secretUid: 'revision-1',
    }))
    const version = (n: string) => ({ id: `version-${n}`, version: n, chartVersion: n })
    return newExecution(
      {
        id: executionId,
        tenantId: 'tenant',
        componentId: 'component',
        from: version('1.0.0'),
        to: version('1.1.0'),
        spec: { ...defaults, ...this.setup.spec },
        target: { kind: 'rehearsal', faults },
        capabilities: { ...capabilitiesOf[kind], ...this.setup.capabilities },
        healthEndpoint: this.setup.healthEndpoint ? { path: '/health', port: 80 } : null,
        overrides: [],
        installedComponents: null,
        members: fleet.members,
        places: fleet.places,
        wanted: fleet.wanted,
        claims,
        takesOver: this.setup.takesOver ?? false,
        warnings: [],
        initiatedBy: 'tester',
        principalId: 'tester',
        label: null,
        reason: null,
      },
      this.now,
    )
  }

  get ended(): boolean {
    return isTerminal(this.execution.status)
  }

  /** Gives a command; false when it is refused. */
  command(command: ExecutionCommand): boolean {
    const decision = decideExecution(this.execution, { kind: 'command', command }, this.now)
    if (decision.kind === 'rejected') return false
    this.commit(decision, null)
    return true
  }

  /** One look and, if the decision plans an act, the act with the given fate. */
  step(fate: Fate = 'done', sight: Sight = 'clear'): void {
    this.deliverLate()
    const observation = this.look(sight)
    const input = { kind: 'observed', observation, attempt: this.attempt } as const
    const decision = this.decide(this.execution, input, this.now)
    if (decision.kind === 'rejected') throw new Error('an observation was refused')
    if (sight === 'uncommitted') return
    this.commit(decision, observation)
    if (decision.act !== null) this.act(decision.act, fate)
  }

  /** Goes on to when something is due and takes that step; false when nothing is. */
  next(fate: Fate = 'done', sight: Sight = 'clear'): boolean {
    if (this.due === null || this.ended) return false
    this.now = Math.max(this.now, this.due)
    const before = this.execution
    this.step(fate, sight)
    // As the engine: a decision that changed nothing is not asked again at once.
    if (this.due !== null && this.due <= this.now && this.execution === before) this.due = this.now + 200
    return true
  }

  /** Lets everything take its course until it has ended, the condition holds, or so much time has passed. */
  run(until: (execution: Execution) => boolean = () => false, limitMs = 7 * 24 * 3_600_000): this {
    const end = this.now + limitMs
    for (let steps = 0; steps < 300_000; steps++) {
      if (until(this.execution) || this.due === null || this.due > end) return this
      if (!this.next()) return this
    }
    throw new Error(`no end of it: ${JSON.stringify({ status: this.execution.status, stage: this.execution.stage })}`)
  }

  /** What was on its way arrives, unless another write came first. */
  deliverLate(): void {
    const { late } = this
    this.late = null
    if (late !== null && late.writes === this.world.writes) this.world = applyAct(this.world, late.act, this.now)
  }

  private look(sight: Sight): ExecutionObservation {
    if (sight === 'blind') return { kind: 'unreadable', why: 'the API server does not answer' }
    if (sight === 'stale' && this.lastSeen !== null) return this.lastSeen
    this.lastSeen = this.observe()
    return this.lastSeen
  }

  observe(): ExecutionObservation {
    const asked = { wantsProbe: wantsProbe(this.execution, this.now), aboutToGo: podsAboutToGo(this.execution) }
    const { fleet: sight, releases } = observeWorld(this.world, asked, this.now)
    const seen = this.other?.beside(sight, this.now) ?? sight
    const fleet = this.setup.othersMove ? withOthers(seen) : seen
    return { kind: 'seen', releases, fleet, checks: this.checks(fleet) }
  }

  private checks(fleet: FleetSight): CheckReport | null {
    const { stage } = this.execution
    const { podsChange = true, size = 10, room = size, failedChecks = [] } = this.setup
    if (stage === 'checking') {
      const change = { podsChange, others: [], surgeRoom: room }
      const check = { name: 'BACKUP', phase: 'PRE', message: '', evidence: null } as const
      const failed = failedChecks.map((name) => ({ ...check, name, status: 'FAILED' as const }))
      return {
        checks: [{ ...check, name: 'VERSION_PATH', status: 'PASSED' }, ...failed],
        warnings: [],
        change,
        refusal: null,
      }
    }
    if (stage !== 'verifying') return null
    const ready = fleet.kind === 'present' && fleet.members.every((member) => member.ready || member.terminating)
    const isWhole = fleet.kind === 'present' && membersOf(fleet).size >= fleet.wanted
    const post = { name: 'READY', phase: 'POST', evidence: null } as const
    const passed = ready && isWhole
    const check = {
      ...post,
      status: passed ? 'PASSED' : 'PENDING',
      message: passed ? '' : 'not all are ready',
    } as const
    return { checks: [check], warnings: [], change: null, refusal: null }
  }

  private commit(decision: Next, seen: ExecutionObservation | null): void {
    const before = this.execution
    this.execution = decision.state
    this.events.push(...decision.events)
    this.due = decision.act === null ? decision.wake : this.now
    this.onCommit({ before, decision, seen })
  }

  private act(planned: NonNullable<Next['act']>, drawn: Fate): void {
    const given = withoutReleases(planned.act, this.setup.neverRan ?? [])
    const fate = given !== planned.act || this.refuses.includes(planned.act.kind) ? 'refused' : drawn
    if (given !== planned.act) this.world = applyAct(this.world, given, this.now)
    const seq = (this.attempt?.seq ?? 0) + 1
    this.acts.push(planned.act)
    if (fate === 'done' || fate === 'doneAndLost') this.world = applyAct(this.world, planned.act, this.now)
    // Orders to releases are rows of the database: they are given in a transaction of the lease, and never late.
    const isOrder = planned.act.kind === 'deploy' || planned.act.kind === 'undo' || planned.act.kind === 'conclude'
    if (fate === 'late' && !isOrder) this.late = { act: planned.act, writes: this.world.writes }
    const failure =
      fate === 'refused'
        ? { code: this.setup.refusedWith ?? 'cluster_unavailable', detail: 'refused in the simulation' }
        : null
    const end = { endedAt: this.now, result: results[fate], failure }
    this.attempt = { ...planned, seq, epoch: 1n, startedAt: this.now, ...end }
  }
}

function withOthers(fleet: FleetSight): FleetSight {
  return fleet.kind === 'gone' ? fleet : { ...fleet, others: { ...fleet.others, uniform: false } }
}

function withoutReleases(act: ExecutionAct, neverRan: readonly Uuid[]): ExecutionAct {
  if (act.kind !== 'undo' || !act.releaseIds.some((id) => neverRan.includes(id))) return act
  return { ...act, releaseIds: act.releaseIds.filter((id) => !neverRan.includes(id)) }
}

const results: Readonly<Record<Fate, AttemptResult>> = {
  done: 'done',
  lost: 'interrupted',
  doneAndLost: 'interrupted',
  late: 'interrupted',
  refused: 'unchanged',
}

/** Commands as a person gives them. */
export const say = {
  start: { kind: 'start', by: 'tester', reason: null },
  pause: { kind: 'pause', by: 'tester', reason: null },
  resume: { kind: 'resume', by: 'tester', reason: null },
  promote: { kind: 'promote', by: 'tester', reason: null },
  rollback: { kind: 'rollback', by: 'tester', reason: null },
  cancel: { kind: 'cancel', by: 'tester', reason: null, immediate: false },
  cancelNow: { kind: 'cancel', by: 'tester', reason: null, immediate: true },
} as const satisfies Record<string, ExecutionCommand>
