import type { Attempt, Decision } from '../../../core/decision.ts'
import type { DomainEvent } from '../../../core/events.ts'
import type { Instant } from '../../../core/instant.ts'
import { newRelease } from '../create.ts'
import { decideRelease } from '../decide.ts'
import type { NewOperation, OperationRequest, ReleaseAct, ReleaseCommand, ReleaseState } from '../model.ts'
import { withMirror } from '../revisions.ts'
import { openOperation } from '../situation.ts'
import { isInVain, isWithoutEffect } from './held.ts'
import { type Fate, HelmWorld, lookedAt } from './helmworld.ts'

type Next = Extract<Decision<ReleaseState, ReleaseAct>, { kind: 'next' }>

export const request: OperationRequest = {
  chartDigest: 'sha256:1',
  chartVersion: '1.0.0',
  appVersion: null,
  values: {},
  description: null,
  timeoutSeconds: 300,
  atomic: false,
  wait: true,
  waitForJobs: false,
  forceConflicts: false,
  targetRevision: null,
  hasHooks: false,
  heldBy: null,
}

export const place = { id: 'release', tenantId: 'tenant', clusterId: 'cluster', namespace: 'ns', name: 'web' }

/** One release driven as the engine drives it: observe, decide, commit, act; with fates in place of a real helm. */
export class Simulation {
  readonly world = new HelmWorld()
  readonly events: DomainEvent[] = []
  readonly accepted: string[] = []
  /** What executions said of their operations: the last word on each. */
  readonly verdicts = new Map<string, 'ready' | 'failed'>()
  now: Instant = 1_000_000
  state: ReleaseState
  attempt: Attempt<ReleaseAct> | null = null
  /** When it is looked at next; null: when something wakes it. */
  due: Instant | null
  private operations = 0
  private toldOf = 0
  /** The execution that holds the release has put gates of its own on the workloads. */
  private tookOver = false

  constructor(change: Partial<OperationRequest> = {}) {
    const wanted = this.operation(change)
    this.state = newRelease(place, 'web', wanted, this.now)
    this.accepted.push(wanted.id)
    this.due = this.now
  }

  operation(change: Partial<OperationRequest> = {}): NewOperation {
    this.operations += 1
    return {
      id: `op-${this.operations}`,
      parentId: null,
      request: { ...request, ...change },
      performedBy: 'tester',
      principalId: 'tester',
      reason: null,
    }
  }

  command(command: ReleaseCommand): boolean {
    const decision = decideRelease(this.state, { kind: 'command', command }, this.now)
    if (decision.kind === 'rejected') return false
    const before = this.state.operation?.id
    this.commit(decision)
    if (this.state.operation !== null && this.state.operation.id !== before) this.accepted.push(this.state.operation.id)
    return true
  }

  /** An execution with a new id claims the release. */
  claim(): boolean {
    this.operations += 1
    if (!this.command({ kind: 'claim', executionId: `execution-${this.operations}` })) return false
    this.tookOver = false
    return true
  }

  /** The execution that holds the release gives an operation to it. */
  order(action: 'upgrade' | 'rollback', change: Partial<OperationRequest>): boolean {
    const operation = this.operation({ ...change, heldBy: this.state.release.claim?.executionId ?? 'nobody' })
    if (!this.command({ kind: 'order', action, operation })) return false
    this.tookOver = true
    return true
  }

  /** The execution says how its open operation ends. */
  conclude(verdict: 'ready' | 'failed'): boolean {
    const operation = openOperation(this.state)
    if (operation === null || operation.request.heldBy === null) return false
    const said = verdict === 'ready' ? { kind: verdict } : ({ kind: verdict, code: 'not_ready', detail: '' } as const)
    const { id, request } = operation
    const executionId = request.heldBy ?? ''
    if (!this.command({ kind: 'conclude', executionId, operationId: id, verdict: said })) return false
    this.verdicts.set(id, verdict)
    return true
  }

  /** The execution ends, and leaves the fleet in two versions or as it should be. */
  unclaim(mixed: boolean): boolean {
    const { claim, revision } = this.state.release
    if (claim === null) return false
    const { executionId } = claim
    const unjudged = isInVain(this.world) ? ({ unjudged: true } as const) : {}
    const frozen = mixed && revision !== claim.revision ? { executionId, versions: { a: 1, b: 1 }, ...unjudged } : null
    if (!this.command({ kind: 'unclaim', executionId, frozen })) return false
    // An execution leaves its own gates; a freeze that it found and never touched stays as it was.
    if (!this.tookOver || revision === claim.revision) return true
    this.world.gate = frozen === null ? 'none' : 'frozen'
    this.world.heldAt = this.world.live
    return true
  }

  /** An upgrade execution that gives up half way, if the release takes one. */
  abandon(): void {
    if (!this.claim()) return
    this.order('upgrade', {})
    for (let n = 0; n < 4; n++) this.step('done')
    this.conclude('failed')
    for (let n = 0; n < 4; n++) this.step('done')
    this.unclaim(true)
  }

  /** One look and, if the decision plans an act, the act with the given fate. */
  step(fate: Fate): void {
    const observation = this.world.observe(this.state)
    const input = { kind: 'observed', observation, attempt: this.attempt } as const
    const decision = decideRelease(this.state, input, this.now)
    if (decision.kind === 'rejected') throw new Error('an observation was rejected')
    this.commit(decision)
    if (decision.act !== null) this.act(decision.act, fate)
  }

  /** Lets time pass and everything succeed until nothing is due; throws when that takes too long. */
  settleDown(verdict: 'ready' | 'failed' = 'ready'): void {
    this.conclude(verdict)
    this.rest()
    if (this.unclaim(false)) this.rest()
  }

  private rest(): void {
    this.world.deliverLate()
    this.due = this.now
    for (let steps = 0; steps < 2_000; steps++) {
      if (this.due === null && this.isToldByWatch()) this.due = this.now
      if (this.due === null || this.onlyRemains(this.due)) return
      this.now = Math.max(this.now, this.due)
      this.step('done')
      if (this.due === this.now) this.now += 1
    }
    throw new Error(`still busy: ${JSON.stringify(this.state.operation?.phase)}`)
  }

  /** The watch wakes a release at rest whose records disagree, once for each write. */
  private isToldByWatch(): boolean {
    const { writes } = this.world
    if (this.toldOf === writes || !this.world.isDisputed()) return false
    this.toldOf = writes
    return true
  }

  /** A half uninstalled release is looked at for ever, now and then, and pinned traffic; that is no business left. */
  private onlyRemains(due: Instant): boolean {
    const isPinned = this.state.release.frozen !== null && this.world.gate !== 'none' && this.world.traffic !== null
    return openOperation(this.state) === null && due > this.now + (isPinned ? 4_000 : 20_000)
  }

  private commit(decision: Next): void {
    this.state = withMirror(decision.state)
    this.events.push(...decision.events)
    this.due = decision.act === null ? decision.wake : this.now
  }

  private guardFreeze({ kind }: ReleaseAct): void {
    const { release, operation } = this.state
    const deploys = kind === 'upgrade' || kind === 'rollback'
    if (deploys && this.world.gate === 'frozen' && operation?.request.heldBy === null) {
      throw new Error('helm moves a frozen fleet all at once')
    }
    const byItself = kind === 'restore' && operation?.endedAt !== null && this.world.newest() !== null
    if (byItself && !this.world.otherHand && !this.world.lateWrites) {
      throw new Error('a freeze is ended by itself though no other hand was there')
    }
    if (byItself && release.frozen?.over !== true && isWithoutEffect(this.world)) {
      throw new Error("a freeze is ended for another hand's revision that has changed nothing")
    }
    if (kind === 'repin' && (this.world.gate === 'none' || openOperation(this.state) !== null)) {
      throw new Error('traffic is moved of a fleet that is not left frozen')
    }
    if (release.claim !== null && (kind === 'halt' || kind === 'restore' || kind === 'repin')) {
      throw new Error("the workloads of a claimed release are its execution's")
    }
  }

  private act(planned: NonNullable<Next['act']>, fate: Fate): void {
    const { act } = planned
    const recovering = this.state.operation?.kind === 'recover'
    if (act.kind === 'settle' && this.world.foreign.has(act.secretUid) && !recovering) {
      throw new Error('a revision of another hand is settled though nobody asked for that')
    }
    this.guardFreeze(act)
    if (act.kind === 'rollback' && this.state.operation?.overwritten !== lookedAt) {
      throw new Error('what a rollback overwrites was not looked at')
    }
    const seq = (this.attempt?.seq ?? 0) + 1
    const end = this.world.carryOut(planned.act, seq, fate)
    this.attempt = { ...planned, seq, epoch: 1n, startedAt: this.now, endedAt: this.now, ...end }
  }
}
