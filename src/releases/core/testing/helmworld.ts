import type { ActFailure, AttemptResult } from '../../../core/decision.ts'
import type {
  Frozen,
  FrozenTraffic,
  HelmRevision,
  HelmStatus,
  Leftover,
  Overwritten,
  ReleaseAct,
  ReleaseObservation,
  ReleaseState,
  Remains,
} from '../model.ts'
import { endsRemoval } from '../phases/removing.ts'
import { openOperation } from '../situation.ts'
import { rollbackAhead } from '../way-back.ts'
import { templatesSeen } from './held.ts'

/** How far an act gets in the simulation, and how it ends. */
export type Fate =
  | 'done'
  | 'refused'
  | 'failed'
  | 'unrecorded'
  | 'unrecordedPending'
  | 'lostBefore'
  | 'lostPending'
  | 'lostAfter'
  | 'lostLate'
  /** Nothing was written: its worker stopped, or helm itself crashed. */
  | 'stopped'
  | 'crashed'
  /** The cluster refused that the revision before is called superseded, and helm went on. */
  | 'unsuperseded'
  | HandFate

/**
 * What another hand does while our helm runs a hook, and what becomes of our helm. `ended`: it wrote nothing more.
 * `unseen`: it was faster than what ends it. `late`: its last write was under way and arrives later. `lost`: its worker
 * was lost besides. `keptLate` is none of them: the record is a release again then, and is adopted as that.
 */
export type HandFate = `${'overtaken' | 'removed' | 'kept'}${'Ended' | 'Unseen' | 'Late' | 'Lost'}`
export const handFates: readonly HandFate[] = [
  'overtakenEnded',
  'overtakenUnseen',
  'overtakenLate',
  'overtakenLost',
  'removedEnded',
  'removedUnseen',
  'removedLate',
  'removedLost',
  'keptEnded',
  'keptUnseen',
  'keptLost',
]
/** `applies`: what is pending changes the workloads. `fails`: it fails, or, where nothing is pending, a revision that has changed nothing. */
export type HandDoes = 'upgrade' | 'rollback' | 'uninstall' | 'uninstallKeeping' | 'pending' | 'applies' | 'fails'

function handOf(fate: HandFate): HandDoes {
  if (fate.startsWith('overtaken')) return 'rollback'
  return fate.startsWith('kept') ? 'uninstallKeeping' : 'uninstall'
}

const isHandFate = (fate: Fate): fate is HandFate => handFates.some((one) => one === fate)

type ActEnd = { readonly result: AttemptResult; readonly failure: ActFailure | null }

const broken: ActFailure = { code: 'helm_failed', detail: 'simulated' }
/** A rollback meets an object that the newest record does not name. */
const unrecorded: ActFailure = { code: 'object_unrecorded', detail: 'simulated', evidence: { helm: 'simulated' } }
const crash: ActFailure = { code: 'interrupted', detail: 'simulated' }
const byAnother: ActFailure = { code: 'changed_by_another_hand', detail: 'simulated' }

/** Helm's storage and the workloads of one release, as far as decisions can tell them. */
export class HelmWorld {
  revisions: HelmRevision[] = []
  /** Writes that were forwarded before a lease ended and have not arrived yet. */
  private late: (() => void)[] = []
  /** How many more looks until the workloads of the newest revision are ready; Infinity: never. */
  looksUntilReady = 0
  /** What a chart with hooks renders with these values. */
  rendersHooks = true
  /** The hook that an act which failed has left unended, in words. */
  leftByHook: string | null = null
  /** Revisions that another hand made. */
  readonly foreign = new Set<string>()
  /** Another hand was there at all. */
  otherHand = false
  /** A write of a lost worker arrived after all. */
  lateWrites = false
  /** The revision whose objects are in the cluster; null when there are none. */
  live: string | null = null
  /** Our helm wrote beside another hand's, or could not end the revision before, so that two revisions may be `deployed` until that is put right. */
  disputed = false
  /** How many more looks the cluster does not answer. */
  blindLooks = 0
  /** How the workloads of a fleet in two versions are kept; `none`: nothing keeps them. */
  gate: 'none' | 'frozen' | 'halted' = 'none'
  /** Where pinned traffic of a frozen fleet goes. */
  traffic: FrozenTraffic | null = null
  /** How many pods of a frozen fleet run each version; null: nobody counts. */
  frozenVersions: Frozen['versions'] | null = null
  /** The revision whose objects were there when the fleet was left frozen. */
  heldAt: string | null = null
  /** A workload was made anew as it was held, though no freeze is known. */
  stillHeld = false
  private clock = 1
  private uids = 0

  observe(state: ReleaseState): ReleaseObservation {
    if (this.blindLooks-- > 0) return { kind: 'unreadable', why: 'simulated' }
    const newest = this.newest()
    if (newest === null) {
      return { kind: 'absent', remains: remainsOf(state, this.live) }
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
    const stored = this.revisions.map(({ revision, secretUid, status }) => ({ revision, secretUid, status }))
    return {
      kind: 'present',
      newest,
      unknown: this.revisions.slice(0, -1),
      stored,
      readiness,
      remains: newest.status === 'uninstalled' ? remainsOf(state, this.live) : null,
      evidence: openOperation(state)?.phase.name === 'failing' ? { seen: true } : null,
      leftByHook: openOperation(state)?.phase.name === 'failing' ? this.leftByHook : null,
      overwritten: rollbackAhead(state, newest) === null ? null : lookedAt,
      traffic: this.gate === 'none' ? null : this.traffic,
      frozenVersions: this.gate === 'none' ? null : this.frozenVersions,
      stillHeld: this.stillHeld,
      ...templatesSeen(this, state, newest),
    }
  }

  carryOut(act: ReleaseAct, attempt: number, fate: Fate): ActEnd {
    if (fate === 'lostBefore') return lost
    if (fate === 'stopped') return { result: 'interrupted', failure: { ...crash, workerStopped: true } }
    if (fate === 'crashed') return { result: 'interrupted', failure: crash }
    if (act.kind === 'settle') return this.settle(act, fate)
    if (act.kind === 'supersede') return this.supersede(act.secretUid, fate)
    if (act.kind === 'removeStuckPods') return fine
    if (act.kind === 'repin') return this.repin(fate)
    if (act.kind === 'halt' || act.kind === 'restore') return this.thaw(act.kind, fate)
    if (act.kind === 'uninstall') return this.uninstall(fate)
    return isHandFate(fate) ? this.deployBesideHand(act, attempt, fate) : this.deploy(act, attempt, fate)
  }

  private repin(fate: Fate): ActEnd {
    if (fate === 'refused') return { result: 'unchanged', failure: broken }
    if (this.traffic?.kind === 'outage' && this.traffic.to !== null)
      this.traffic = { kind: 'serves', pins: { [this.traffic.service]: this.traffic.to } }
    return fate === 'done' ? fine : lost
  }

  /** Our record is pending in a hook; another hand rolls back over it, or uninstalls. */
  private deployBesideHand(act: DeployAct, attempt: number, fate: HandFate): ActEnd {
    const before = this.revisions.filter(({ status }) => status === 'deployed')
    const { secretUid } = this.add(`pending-${act.kind}`, labelsOf(act, attempt), descriptionOf(act))
    this.byHand(handOf(fate))
    if (fate.endsWith('Unseen')) return this.goOnUnseen(act, secretUid, before)
    if (fate.endsWith('Late')) this.late.push(() => this.lastWrite(act, secretUid))
    return fate.endsWith('Lost') ? lost : { result: 'changed-and-failed', failure: byAnother }
  }

  /** Objects first, the record last. A record that is gone cannot be written, one above its own is refused to a rollback. */
  private goOnUnseen(act: DeployAct, secretUid: string, before: readonly HelmRevision[]): ActEnd {
    this.live = secretUid
    if (this.newest() === null || act.kind === 'rollback') return { result: 'changed-and-failed', failure: broken }
    for (const r of before) this.mark(r.secretUid, 'superseded', r.description)
    this.lastWrite(act, secretUid)
    return fine
  }

  private lastWrite(act: DeployAct, secretUid: string): void {
    if (!this.revisions.some((r) => r.secretUid === secretUid)) return
    this.disputed = true
    this.mark(secretUid, 'deployed', act.kind === 'rollback' ? descriptionOf(act) : 'Upgrade complete')
  }

  /** What was on its way arrives now. */
  deliverLate(): void {
    const writes = this.late
    this.late = []
    for (const write of writes) write()
  }

  /** Another hand runs helm, completely or leaving its revision pending. */
  byHand(what: HandDoes): void {
    this.otherHand = true
    if (what === 'uninstallKeeping') {
      this.uninstallKeeping()
      return
    }
    if (what === 'uninstall') {
      this.revisions = []
      this.live = null
      return
    }
    const newest = this.newest()
    const pending = newest?.status.startsWith('pending-') && this.foreign.has(newest.secretUid) ? newest : null
    if (what === 'applies') {
      if (pending !== null) this.live = pending.secretUid
      return
    }
    if (what === 'fails' && pending !== null) {
      this.mark(pending.secretUid, 'failed', 'by hand')
      return
    }
    // An upgrade without labels of its own inherits those of the revision before it, ours among them.
    const inherited = this.newest() ?? none
    const status = this.revisions.length === 0 ? 'pending-install' : 'pending-upgrade'
    const revision = this.add(status, inherited, 'by hand')
    this.foreign.add(revision.secretUid)
    if (what === 'fails') this.mark(revision.secretUid, 'failed', 'by hand')
    if (what === 'upgrade') this.deployed(revision.secretUid, 'Upgrade complete')
    // To a revision that ours never go back to: with the same number and the same target nobody could tell them apart.
    if (what === 'rollback') this.deployed(revision.secretUid, 'Rollback to 100')
  }

  /** A release of the same name has been there, and `helm uninstall --keep-history` left its record. */
  keepHistory(): void {
    this.foreign.add(this.add('uninstalled', none, 'Uninstallation complete').secretUid)
  }

  private uninstallKeeping(): void {
    const newest = this.newest()
    if (newest !== null) this.mark(newest.secretUid, 'uninstalled', 'Uninstallation complete')
    this.live = null
  }

  newest(): HelmRevision | null {
    return this.revisions.at(-1) ?? null
  }

  /** How often anything was written to Helm's storage. */
  get writes(): number {
    return this.clock
  }

  /** A pending revision beneath a newer one, or two that are `deployed`. */
  isDisputed(): boolean {
    const beneath = this.revisions.slice(0, -1)
    const deployed = this.revisions.filter(({ status }) => status === 'deployed')
    return deployed.length > 1 || beneath.some(({ status }) => status.startsWith('pending-'))
  }

  private deploy(act: DeployAct, attempt: number, fate: Fate): ActEnd {
    if (fate === 'refused') return { result: 'unchanged', failure: broken }
    const description = descriptionOf(act)
    const write = () => this.add(`pending-${act.kind}`, labelsOf(act, attempt), description)
    if (fate === 'lostLate') {
      const number = (this.newest()?.revision ?? 0) + 1
      // A record is created under its number: it is refused once that number is taken.
      this.late.push(() => this.arrive(number, write))
      return lost
    }
    const { secretUid } = write()
    if (fate === 'lostPending') return lost
    // The cluster refused that the record is called failed.
    if (fate === 'unrecordedPending') return { result: 'changed-and-failed', failure: unrecorded }
    this.live = secretUid
    if (fate === 'failed' || fate === 'unrecorded') {
      this.mark(secretUid, 'failed', act.kind === 'rollback' ? 'Rollback "web" failed: simulated' : 'simulated')
      return { result: 'changed-and-failed', failure: fate === 'failed' ? broken : unrecorded }
    }
    const ended = act.kind === 'rollback' ? description : 'Upgrade complete'
    if (fate === 'unsuperseded') this.deployedBeside(secretUid, ended)
    else this.deployed(secretUid, ended)
    return fate === 'lostAfter' ? lost : fine
  }

  private arrive(number: number, write: () => void): void {
    if ((this.newest()?.revision ?? 0) + 1 !== number) return
    this.lateWrites = true
    write()
  }

  private settle({ secretUid, reason }: SettleAct, fate: Fate): ActEnd {
    if (fate === 'refused' || fate === 'failed' || fate.startsWith('unrecorded'))
      return { result: 'unchanged', failure: broken }
    this.mark(secretUid, 'failed', reason)
    return fate === 'done' ? fine : lost
  }

  private supersede(secretUid: string, fate: Fate): ActEnd {
    const { description = '' } = this.revisions.find((r) => r.secretUid === secretUid) ?? {}
    if (fate === 'refused' || fate === 'failed') return { result: 'unchanged', failure: broken }
    this.mark(secretUid, 'superseded', description)
    this.disputed = this.isDisputed()
    return fate === 'done' ? fine : lost
  }

  private thaw(kind: 'halt' | 'restore', fate: Fate): ActEnd {
    if (fate === 'refused' || fate === 'failed') return { result: 'unchanged', failure: broken }
    if (fate === 'lostPending' || fate === 'lostLate') return lost
    this.gate = kind === 'halt' ? 'halted' : 'none'
    if (kind === 'restore') this.stillHeld = false
    return fate === 'done' ? fine : lost
  }

  private uninstall(fate: Fate): ActEnd {
    if (fate === 'refused') return { result: 'unchanged', failure: broken }
    const newest = this.newest()
    if (newest !== null && (fate === 'failed' || fate === 'lostPending'))
      this.mark(newest.secretUid, 'uninstalling', '')
    if (fate === 'failed') return { result: 'changed-and-failed', failure: broken }
    if (fate.startsWith('overtaken') && newest !== null) {
      this.byHand('rollback')
      return fate.endsWith('Lost') ? lost : { result: 'changed-and-failed', failure: byAnother }
    }
    if (fate === 'lostPending' || fate === 'lostLate') return lost
    this.revisions = []
    this.live = null
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
      hooks: this.rendersHooks ? 'metadata: { annotations: { helm.sh/hook: "pre-install,pre-upgrade" } }' : '',
      deployedAt: this.clock,
      chartDigest: null,
    }
    this.revisions.push(revision)
    return revision
  }

  private deployed(secretUid: string, description: string): void {
    for (const r of this.revisions) if (r.status === 'deployed') this.mark(r.secretUid, 'superseded', r.description)
    this.live = secretUid
    this.mark(secretUid, 'deployed', description)
  }

  /** The revision before is still called deployed. */
  private deployedBeside(secretUid: string, description: string): void {
    this.live = secretUid
    this.mark(secretUid, 'deployed', description)
    this.disputed = this.isDisputed()
  }

  private mark(secretUid: string, status: HelmStatus, description: string): void {
    this.revisions = this.revisions.map((r) =>
      r.secretUid === secretUid ? { ...r, status, description, resourceVersion: String(++this.clock) } : r,
    )
  }
}

/** What is seen of other hands where a rollback is next. */
export const lookedAt: Overwritten = { fields: [], incomplete: 'simulated' }

/** What an earlier revision has left: it is looked for where a removal ends. */
export const ofThePast: Leftover = { kind: 'ConfigMap', name: 'past', why: 'of a revision before' }

function remainsOf(state: ReleaseState, live: string | null): Remains {
  const remaining = live === null ? [] : [{ kind: 'Deployment', name: 'web', why: `of ${live}` }]
  const blockers = remaining.map(({ why }) => why)
  const remains = { gone: live === null, deleting: false, blockers, remaining, leftovers: [] }
  return endsRemoval(state, remains) ? { ...remains, leftovers: [ofThePast] } : remains
}

type SettleAct = Extract<ReleaseAct, { kind: 'settle' }>
type DeployAct = Extract<ReleaseAct, { kind: 'install' | 'upgrade' | 'rollback' }>
const descriptionOf = (act: DeployAct): string =>
  act.kind === 'rollback' ? `Rollback to ${act.target}` : 'in progress'
const labelsOf = (act: DeployAct, attempt: number): Labels =>
  act.kind === 'rollback' ? none : { operationId: act.operationId, attempt }

type Labels = Pick<HelmRevision, 'operationId' | 'attempt'>
const none: Labels = { operationId: null, attempt: null }
const fine: ActEnd = { result: 'done', failure: null }
const lost: ActEnd = { result: 'interrupted', failure: null }
