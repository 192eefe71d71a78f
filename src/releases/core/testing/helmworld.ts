import type { ActFailure, AttemptResult } from '../../../core/decision.ts'
import type { HelmRevision, HelmStatus, ReleaseAct, ReleaseObservation } from '../model.ts'

/** How far an act gets in the simulation, and how it ends. */
export type Fate = 'done' | 'refused' | 'failed' | 'lostBefore' | 'lostPending' | 'lostAfter' | 'lostLate'

type ActEnd = { readonly result: AttemptResult; readonly failure: ActFailure | null }

const broken: ActFailure = { code: 'helm_failed', detail: 'simulated' }

/** Helm's storage and the workloads of one release, as far as decisions can tell them. */
export class HelmWorld {
  revisions: HelmRevision[] = []
  /** Writes that were forwarded before a lease ended and have not arrived yet. */
  private late: (() => void)[] = []
  /** How many more looks until the workloads of the newest revision are ready; Infinity: never. */
  looksUntilReady = 0
  /** Revisions that another hand made. */
  readonly foreign = new Set<string>()
  /** Another hand was there at all. */
  otherHand = false
  /** A write of a lost worker arrived after all. */
  lateWrites = false
  /** How many more looks the cluster does not answer. */
  blindLooks = 0
  /** How the workloads of a fleet in two versions are kept; `none`: nothing keeps them. */
  gate: 'none' | 'frozen' | 'halted' = 'none'
  private clock = 1
  private uids = 0

  observe(): ReleaseObservation {
    if (this.blindLooks-- > 0) return { kind: 'unreadable', why: 'simulated' }
    const newest = this.newest()
    if (newest === null) {
      return { kind: 'absent', remains: { gone: true, blockers: [], leftovers: [] } }
    }
    this.looksUntilReady -= 1
    const settled = this.looksUntilReady < 0
    const readiness = {
      ready: settled ? 1 : 0,
      total: 1,
      settled,
      failed: false,
      blockers: settled ? [] : ['Deployment/web'],
      stuckPods: [],
    }
    const stored = this.revisions.map((r) => r.revision)
    return {
      kind: 'present',
      newest,
      unknown: this.revisions.slice(0, -1),
      stored,
      readiness,
      evidence: { seen: true },
    }
  }

  carryOut(act: ReleaseAct, attempt: number, fate: Fate): ActEnd {
    if (fate === 'lostBefore') return lost
    if (act.kind === 'settle') return this.settle(act.secretUid, fate)
    if (act.kind === 'removeStuckPods') return fine
    if (act.kind === 'halt' || act.kind === 'restore') return this.thaw(act.kind, fate)
    if (act.kind === 'uninstall') return this.uninstall(fate)
    return this.deploy(act, attempt, fate)
  }

  /** What was on its way arrives now. */
  deliverLate(): void {
    const writes = this.late
    this.late = []
    for (const write of writes) write()
  }

  /** Another hand runs helm, completely or leaving its revision pending. */
  byHand(what: 'upgrade' | 'uninstall' | 'pending'): void {
    this.otherHand = true
    if (what === 'uninstall') {
      this.revisions = []
      return
    }
    // An upgrade without labels of its own inherits those of the revision before it, ours among them.
    const inherited = this.newest() ?? none
    const status = this.revisions.length === 0 ? 'pending-install' : 'pending-upgrade'
    const revision = this.add(status, inherited, 'by hand')
    this.foreign.add(revision.secretUid)
    if (what === 'upgrade') this.deployed(revision.secretUid, 'Upgrade complete')
  }

  newest(): HelmRevision | null {
    return this.revisions.at(-1) ?? null
  }

  private deploy(
    act: Extract<ReleaseAct, { kind: 'install' | 'upgrade' | 'rollback' }>,
    attempt: number,
    fate: Fate,
  ): ActEnd {
    if (fate === 'refused') return { result: 'unchanged', failure: broken }
    const labels = act.kind === 'rollback' ? none : { operationId: act.operationId, attempt }
    const description = act.kind === 'rollback' ? `Rollback to ${act.target}` : 'in progress'
    const write = () => this.add(`pending-${act.kind}`, labels, description)
    if (fate === 'lostLate') {
      const number = (this.newest()?.revision ?? 0) + 1
      // A record is created under its number: it is refused once that number is taken.
      this.late.push(() => this.arrive(number, write))
      return lost
    }
    const { secretUid } = write()
    if (fate === 'lostPending') return lost
    if (fate === 'failed') {
      this.mark(secretUid, 'failed', act.kind === 'rollback' ? 'Rollback "web" failed: simulated' : 'simulated')
      return { result: 'changed-and-failed', failure: broken }
    }
    this.deployed(secretUid, act.kind === 'rollback' ? description : 'Upgrade complete')
    return fate === 'lostAfter' ? lost : fine
  }

  private arrive(number: number, write: () => void): void {
    if ((this.newest()?.revision ?? 0) + 1 !== number) return
    this.lateWrites = true
    write()
  }

  private settle(secretUid: string, fate: Fate): ActEnd {
    if (fate === 'refused' || fate === 'failed') return { result: 'unchanged', failure: broken }
    this.mark(secretUid, 'failed', 'settled')
    return fate === 'done' ? fine : lost
  }

  private thaw(kind: 'halt' | 'restore', fate: Fate): ActEnd {
    if (fate === 'refused' || fate === 'failed') return { result: 'unchanged', failure: broken }
    if (fate === 'lostPending' || fate === 'lostLate') return lost
    this.gate = kind === 'halt' ? 'halted' : 'none'
    return fate === 'done' ? fine : lost
  }

  private uninstall(fate: Fate): ActEnd {
    if (fate === 'refused') return { result: 'unchanged', failure: broken }
    const newest = this.newest()
    if (newest !== null && (fate === 'failed' || fate === 'lostPending'))
      this.mark(newest.secretUid, 'uninstalling', '')
    if (fate === 'failed') return { result: 'changed-and-failed', failure: broken }
    if (fate === 'lostPending' || fate === 'lostLate') return lost
    this.revisions = []
    return fate === 'done' ? fine : lost
  }

  private add(status: HelmStatus, { operationId, attempt }: Labels, description: string): HelmRevision {
    const revision: HelmRevision = {
      revision: (this.newest()?.revision ?? 0) + 1,
      secretUid: `uid-${++this.uids}`,
      resourceVersion: String(++this.clock),
      status,
      operationId,
      attempt,
      description,
      chart: 'web',
      chartVersion: '1.0.0',
      appVersion: null,
      values: {},
      manifest: '',
      deployedAt: this.clock,
      chartDigest: null,
    }
    this.revisions.push(revision)
    return revision
  }

  private deployed(secretUid: string, description: string): void {
    for (const r of this.revisions) if (r.status === 'deployed') this.mark(r.secretUid, 'superseded', r.description)
    this.mark(secretUid, 'deployed', description)
  }

  private mark(secretUid: string, status: HelmStatus, description: string): void {
    this.revisions = this.revisions.map((r) =>
      r.secretUid === secretUid ? { ...r, status, description, resourceVersion: String(++this.clock) } : r,
    )
  }
}

type Labels = Pick<HelmRevision, 'operationId' | 'attempt'>
const none: Labels = { operationId: null, attempt: null }
const fine: ActEnd = { result: 'done', failure: null }
const lost: ActEnd = { result: 'interrupted', failure: null }
