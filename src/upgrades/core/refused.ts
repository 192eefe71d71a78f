import type { Attempt } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import { problemCatalogue } from '../../core/problems.ts'
import { oldPod, targetPod } from './instances.ts'
import type { Execution, ExecutionAct, Instance, PodRef, ReleaseSight, Stage } from './model.ts'
import { patch } from './patch.ts'
import { failedBefore, failedOf, whyFailed } from './planning.ts'
import { isShutBy } from './position.ts'
import { statusReasons } from './reasons.ts'
import type { Fleet } from './slots.ts'
import { isGated } from './stages/closing.ts'
import { go, type Look, type Step } from './stages/look.ts'
import { timeLimit } from './stopping.ts'
import { endAs, failing, stop } from './turns.ts'

type ExecutionAttempt = Attempt<ExecutionAct>

/**
 * Since when whatever is to be brought about is refused, each time, also where several acts take turns; null as soon as one
 * is done, or none is needed.
 */
export function withRefusal({ execution, ...step }: Step, attempt: ExecutionAttempt | null): Execution {
  const refused = 'act' in step ? failedOf(attempt) : null
  const refusedSince = refused === null ? null : (execution.refusedSince ?? refused.endedAt)
  return patch(execution, { refusedSince })
}

/** What has to be put in order is tried until the cluster takes it. */
const triedOn: ReadonlySet<Stage> = new Set(['concluding', 'releasing'])

/** The way back has a limit of its own; a pin, which comes before whatever the stage would do, keeps that from being reached. */
function isTriedOn({ stage, status }: Execution, { kind }: ExecutionAct): boolean {
  return status === 'PAUSED' || triedOn.has(stage) || (stage === 'reverting' && kind !== 'pin')
}

/** An act that was refused for as long as an instance may take, or for good, is not tried for ever: the execution stops. */
export function unlessRefused(step: Step, look: Look): Step {
  const { execution, attempt, now } = look
  if (step.kind !== 'act' || isTriedOn(execution, step.act)) return step
  const refused = failedBefore(step.act, attempt)
  if (refused === null || !(isFinal(refused) || isOver(execution, now))) return step
  const detail = whyFailed(refused)
  const { rollback, act } = statusReasons
  if (execution.status !== 'ROLLING_BACK') return go(stop(execution, act, detail, now))
  return go(endAs(execution, failing(rollback, detail, refused.failure?.code ?? null), now))
}

function isOver(execution: Execution, now: Instant): boolean {
  const { refusedSince } = execution
  return typeof refusedSince === 'number' && now >= timeLimit(execution, refusedSince)
}

/** Orders to releases that say what is wrong with the request are refused alike the next time; a conflict may pass. */
function isFinal({ act, result, failure }: ExecutionAttempt): boolean {
  if (failure === null || result !== 'unchanged' || (act.kind !== 'deploy' && act.kind !== 'undo')) return false
  return finalStatuses.has(problemCatalogue[failure.code].status)
}

const finalStatuses: ReadonlySet<number> = new Set([404, 410, 422])

type Sights = {
  readonly execution: Execution
  readonly attempt: ExecutionAttempt | null
  readonly fleet: Fleet
  readonly releases: ReadonlyMap<string, ReleaseSight>
}

/** The newest attempt when it was to let this pod go, and failed; else null. */
export function failedToTake(attempt: ExecutionAttempt | null, pod: PodRef | null): ExecutionAttempt | null {
  const failed = failedOf(attempt)
  if (pod === null || failed?.act.kind !== 'gate') return null
  return failed.act.take.some(({ uid }) => uid === pod.uid) ? failed : null
}

/** The cluster has answered, and said no: a disruption budget, or admission. Any other failure is its own. */
export const isAnswered = ({ failure }: ExecutionAttempt): boolean => failure?.code === 'refused'

/**
 * Tells of an instance that was let go whether the cluster was never told: no gate is open for it, no upgrade given, or its
 * pod could not be taken because the API server failed.
 */
export function notTold({ execution, attempt, fleet, releases }: Sights): (instance: Instance) => boolean {
  if (execution.capabilities.hold === 'each') {
    return ({ status, key }) => status === 'UPGRADING' && releases.get(key ?? '')?.deploy.kind === 'absent'
  }
  const isShut = isGated(execution) ? isShutBy(execution, fleet.gate) : () => false
  return (one) => {
    if (one.status !== 'UPGRADING') return false
    if (isShut(one)) return targetPod(one) === null && (execution.capabilities.ordered || oldPod(one) !== null)
    const failed = failedToTake(attempt, oldPod(one))
    return failed !== null && !isAnswered(failed)
  }
}
