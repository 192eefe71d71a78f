/*
 * The life of an upgrade execution. Every arrow is one committed decision; no other step is possible (`transitions.ts`).
 *
 *   PENDING ──start──▶ VALIDATING ──checks passed──┬──────────────────▶ IN_PROGRESS ──all done──▶ COMPLETED
 *      │ 24 h             │ checks failed          │ CANARY              ▲  │    ▲ │
 *      ▼                  ▼                        ▼             promote │  │    │ └─stopped, no auto-rollback─▶ FAILED
 *   CANCELLED           FAILED               CANARY_RUNNING ─▶ CANARY_MONITORING
 *                                              │   ▲   │ stopped        │  │    │
 *                                        pause │   │   ▼                │  │    │ pause, STAGED    resume
 *                                              ▼   │ FAILED   rollback, │  ▼    ▼
 *                                            PAUSED ─────────  stopped ─┴▶ ROLLING_BACK ──▶ ROLLED_BACK, or FAILED
 *
 *   From everywhere but the end: cancel ▶ CANCELLED; another hand or a target that is gone ▶ FAILED (`surprise.ts`).
 *   Where one decision needs several steps all are recorded (`turns.ts`): PAUSED ▶ IN_PROGRESS ▶ ROLLING_BACK.
 *
 * Within a status the stage tells what is being brought about (`model.ts`), one file each in `stages/`:
 *
 *   forward: checking ▶ closing ▶ deploying ▶ (pinning) ▶ moving ▶ (switching ▶ watching) ▶ opening ▶ verifying ▶ concluding
 *   back:    repinning ▶ halting ▶ undoing ▶ reverting ▶ restoring ▶ releasing        any ending: releasing ▶ done
 *
 * Each look binds pods to places (`slots.ts`), judges every instance (`judge.ts`), and then the stage decides on at most
 * one act. A stage is over when that is seen, never because an act returned.
 */
import type { Attempt, Decide, Waiting } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import { followAhead } from './ahead.ts'
import { forgiveBlindness, lookedInVain } from './blind.ts'
import { failureOf } from './children.ts'
import { decideCommand, type ExecutionDecision } from './command.ts'
import { startWithinMs } from './create.ts'
import { followTemplate, whileEdited } from './edited.ts'
import { followEmpty, whileEmpty } from './empty.ts'
import { eventsBetween } from './events.ts'
import { type Evidence, judge, judgeForward } from './judge.ts'
import { followLeaving } from './leaving.ts'
import type { Execution, ExecutionAct, ExecutionCommand, ExecutionObservation, Stage } from './model.ts'
import { isTerminal } from './model.ts'
import { followTurns } from './order.ts'
import { patch } from './patch.ts'
import { afterPinRemoval, guardTraffic, watchingThePin } from './pin-guard.ts'
import { planned } from './planning.ts'
import { statusReasons, waits } from './reasons.ts'
import { unlessRefused, withRefusal } from './refused.ts'
import { bind, counted, type Fleet, membersOf } from './slots.ts'
import { checking } from './stages/checking.ts'
import { closing } from './stages/closing.ts'
import { concluding } from './stages/concluding.ts'
import { deploying } from './stages/deploying.ts'
import { halting } from './stages/halting.ts'
import { type Look, type StageHandler, type Step, soon, wait } from './stages/look.ts'
import { moving } from './stages/moving.ts'
import { opening } from './stages/opening.ts'
import { paused } from './stages/paused.ts'
import { pinning } from './stages/pinning.ts'
import { isForeign, releasing } from './stages/releasing.ts'
import { repinning } from './stages/repinning.ts'
import { restoring } from './stages/restoring.ts'
import { reverting, wentBack } from './stages/reverting.ts'
import { switching } from './stages/switching.ts'
import { undoing } from './stages/undoing.ts'
import { verifying } from './stages/verifying.ts'
import { watching } from './stages/watching.ts'
import { type Surprise, surpriseIn } from './surprise.ts'
import { finish, flotilla } from './transitions.ts'
import { endAs, failing, stop } from './turns.ts'

type Seen = Extract<ExecutionObservation, { kind: 'seen' }>

/** The decision function of upgrade executions. Pure. */
export const decideExecution: Decide<Execution, ExecutionCommand, ExecutionObservation, ExecutionAct> = (
  execution,
  input,
  now,
) => {
  if (input.kind === 'command') return decideCommand(execution, input.command, now)
  if (isTerminal(execution.status)) return { kind: 'next', state: execution, act: null, events: [], wake: null }
  if (execution.status === 'PENDING') return conclude(execution, pending(execution, now), null, now)
  if (input.observation.kind === 'unreadable') return unreadable(execution, input.observation.why, now)
  const step = decideSeen(forgiveBlindness(execution, now), input.observation, input.attempt, now)
  return conclude(execution, step, input.attempt, now)
}

/** PENDING claims nothing, and is given up in the end. */
function pending(execution: Execution, now: Instant): Step {
  const until = execution.createdAt + startWithinMs
  if (now < until) return wait(execution, waits.start, until)
  const mover = { at: now, by: flotilla, reason: statusReasons.expired }
  return { kind: 'end', execution: finish(execution, 'CANCELLED', statusReasons.expired, mover) }
}

/** Nothing is concluded from not seeing. */
function unreadable(execution: Execution, why: string, now: Instant): ExecutionDecision {
  const state = lookedInVain(execution, why, now)
  const events = eventsBetween(execution, state)
  return { kind: 'next', state, act: null, events, wake: state.waitingFor?.until ?? now + seconds(3) }
}

function decideSeen(execution: Execution, seen: Seen, attempt: Attempt<ExecutionAct> | null, now: Instant): Step {
  const surprise = surpriseIn(execution, seen)
  if (surprise !== null && execution.status === 'VALIDATING') return endUntouched(execution, surprise, now)
  const next = surprise === null ? execution : endBySurprise(execution, surprise, now)
  if (next.stage === 'checking') {
    return checking({ execution: counted(next, seen.fleet), checks: seen.checks, now })
  }
  const fleet = seen.fleet?.kind === 'gone' ? (seen.fleet.left === true ? remains : nothing) : seen.fleet
  if (fleet === null) return wait(next, waits.fleet, soon({ now }))
  return decideStage(lookAt(next, seen, fleet, attempt, now))
}

/** In every status: what is in flight is no longer ours to wait for. */
function endBySurprise(execution: Execution, { reason, detail }: Surprise, now: Instant): Execution {
  const known = execution.ending
  if (known !== null && (known.reason === reason || isForeign(known))) return execution
  const code = reason === statusReasons.late ? 'interrupted' : 'changed_by_another_hand'
  const ending = { ...failing(reason, null, code), note: detail, immediate: true }
  return endAs(execution, ending, now)
}

function endUntouched(execution: Execution, { reason, detail }: Surprise, now: Instant): Step {
  return { kind: 'end', execution: finish(execution, 'FAILED', reason, { at: now, by: flotilla, reason: detail }) }
}

/** A fleet that is not there: nothing to gate, nothing to pin. */
const nothing: Fleet = {
  kind: 'present',
  wanted: 0,
  places: null,
  members: [],
  gate: { kind: 'none' },
  template: null,
  pin: null,
  probes: {},
  refusals: {},
  others: { settled: true, uniform: true, blockers: [] },
  whyNoPods: null,
}

/** What has come in its place carries our gate, or Services our pin: whatever holds there, it is to come off. */
const remains: Fleet = { ...nothing, gate: { kind: 'frozen' } }

/** Stages in which instances are judged by the way forward. */
const forward: ReadonlySet<Stage> = new Set(['moving', 'switching', 'watching', 'opening', 'verifying'])

function lookAt(
  before: Execution,
  seen: Seen,
  fleet: Fleet,
  attempt: Attempt<ExecutionAct> | null,
  now: Instant,
): Look {
  const members = membersOf(fleet)
  const releases = new Map(seen.releases.map((sight) => [sight.releaseId, sight]))
  const rest = { before, fleet, members, releases, checks: seen.checks, attempt, now }
  const isOver =
    before.stage === 'concluding' || before.ending?.to === 'ROLLED_BACK' || fleet === nothing || fleet === remains
  if (isOver) return { ...rest, execution: before }
  const instances = bind(before, fleet, members, now)
  const placed = followLeaving(patch(counted(before, fleet), { instances }), fleet, now)
  const bound = followAhead(before, followTurns(before, placed, now), fleet, attempt)
  const followed = followEmpty(
    followWay({ execution: bound, fleet, members, releases, attempt, now }),
    fleet,
    members,
    now,
  )
  return { ...rest, execution: followTemplate(followed, fleet, now) }
}

/** What the look tells of the instances. Those that it was stopped at on the way back are told as back when they are. */
function followWay(evidence: Evidence): Execution {
  const { execution: bound, now } = evidence
  if (forward.has(bound.stage)) return judge(evidence)
  if (bound.stage !== 'releasing') return bound
  if (bound.status !== 'ROLLING_BACK') return judge(evidence)
  const settles = bound.ending?.to === 'CANCELLED' && !bound.ending.immediate
  return wentBack(settles ? judgeForward(evidence) : bound, now)
}

const stages: Readonly<Record<Exclude<Stage, 'checking' | 'done'>, StageHandler>> = {
  closing,
  deploying,
  pinning,
  moving,
  switching,
  watching,
  opening,
  verifying,
  concluding,
  repinning,
  halting,
  undoing,
  reverting,
  restoring,
  releasing,
}

/** How many stages one look can go through: each at most once, forward and back. */
const stagesAtOnce = 20

function decideStage(seen: Look): Step {
  let look = seen
  for (let passed = 0; passed < stagesAtOnce; passed++) {
    const traffic = guardTraffic(look) ?? afterPinRemoval(look)
    const first = traffic ?? afterLostDeploy(look) ?? whileEdited(look) ?? whileEmpty(look)
    const step = unlessRefused(first ?? handlerOf(look.execution)(look), look)
    if (step.kind !== 'go' || turnsRound(look.execution, step.execution)) return watchingThePin(step, look)
    look = { ...look, execution: step.execution }
  }
  return wait(look.execution, waits.instances, soon(look))
}

/** The upgrade that waits for our verdict may end without it: somebody cancelled it, or it was lost. */
function afterLostDeploy({ execution, releases, now }: Look): Step | null {
  const waits = forward.has(execution.stage) && execution.ending === null && execution.status !== 'PAUSED'
  if (!waits || execution.capabilities.hold === 'each' || execution.statusReason === statusReasons.canary) return null
  const failure = failureOf(execution, releases, 'deploy')
  return failure === null ? null : { kind: 'go', execution: stop(execution, statusReasons.deploy, failure.detail, now) }
}

/** Turning round is recorded by itself, and starts nothing (SPEC section 5). */
function turnsRound(before: Execution, after: Execution): boolean {
  return before.status !== 'ROLLING_BACK' && after.status === 'ROLLING_BACK'
}

function handlerOf({ stage, status }: Execution): StageHandler {
  if (stage === 'checking' || stage === 'done') throw new Error(`${stage} is no stage to decide on by the fleet`)
  return status === 'PAUSED' && stage !== 'releasing' ? paused : stages[stage]
}

/** The decision: the state with what it waits for, the act unless it was just tried, and an event for all that changed. */
function conclude(
  before: Execution,
  step: Step,
  attempt: Attempt<ExecutionAct> | null,
  now: Instant,
): ExecutionDecision {
  if (step.kind === 'end') return next(before, step.execution, null, null)
  const state = withRefusal(step, attempt)
  const noLimit = step.kind === 'wait' ? state : patch(state, { nextLookAt: null })
  if (step.kind === 'act') {
    const plan = planned(step, attempt, now)
    const soonest = plan.waitingFor?.until ?? now + seconds(1)
    const { reason, meanwhile } = step
    const shown = { reason, until: Math.max(soonest, meanwhile?.until ?? soonest) }
    const told = meanwhile ? { ...shown, detail: meanwhile.detail } : shown
    const waitingFor = plan.waitingFor ?? told
    return next(before, waiting(noLimit, before, waitingFor, now), plan.act, plan.act === null ? soonest : now)
  }
  if (step.kind === 'go') return next(before, noLimit, null, now)
  const until = step.waitingFor.until
  const wake = step.lookBy === undefined || until === null ? until : Math.min(until, step.lookBy)
  const looked = patch(state, { nextLookAt: step.isLimit === true ? wake : null })
  return next(before, waiting(looked, before, step.waitingFor, now), null, wake)
}

function next(
  before: Execution,
  state: Execution,
  act: Extract<ExecutionDecision, { kind: 'next' }>['act'],
  wake: Instant | null,
): ExecutionDecision {
  return { kind: 'next', state, act, events: eventsBetween(before, state), wake }
}

/** What is waited for; the very state when that is known already and nothing else has changed. */
function waiting(state: Execution, before: Execution, waitingFor: Waiting, now: Instant): Execution {
  const known = before.waitingFor
  const same = known !== null && known.reason === waitingFor.reason && known.detail === waitingFor.detail
  const stands = same && known.until !== null && known.until > now
  return patch(state, { waitingFor: stands && state === before ? known : waitingFor })
}
