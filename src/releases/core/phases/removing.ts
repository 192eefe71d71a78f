import type { ActFailure } from '../../../core/decision.ts'
import { seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { leftoversOf } from '../follow.ts'
import type { Leftover, Phase, Release, ReleaseState, Remains } from '../model.ts'
import { ended } from '../outcome.ts'
import { uninstalledRevision } from '../revisions.ts'
import { openOperation } from '../situation.ts'
import { endFailed, withEvidence } from './failing.ts'
import { goOn, type Look, type PhaseHandler } from './look.ts'
import { anotherHand } from './yielding.ts'

type Removing = Extract<Phase, { name: 'removing' }>

/** UNINSTALLED means that the objects are gone (SPEC section 3, "Uninstall"); until then it waits for them. */
export const removing: PhaseHandler<Removing> = (look) => {
  const { seen, operation, now } = look
  if (seen.kind === 'present') return anotherHand(look, 'the release was installed again by another hand')
  const { remains } = seen
  if (remains !== null && endsRemoval(look.state, remains)) return uninstalled(look, leftoversOf(remains))
  const isOver = now >= (operation.deadline ?? now)
  const stopping = isOver ? onlyStopping(look) : null
  if (stopping !== null) return stopping
  const hanging = withEvidence(look, remains?.evidence)
  if (operation.cancelRequested)
    return endFailed(hanging, { code: 'cancelled', detail: 'the wait was cancelled; objects remain' })
  if (isOver) return endFailed(hanging, incomplete(remains))
  const until = Math.min(now + seconds(1), operation.deadline ?? now)
  const detail = remains?.blockers.join('; ') ?? 'unknown'
  return goOn(look, { operation, waitingFor: { reason: 'UNINSTALLING', until, detail } })
}

/**
 * Whether a look that finds this left is the last one of a removal: what is told only then is read only then. Where helm had
 * no record to remove the objects by, what is not being deleted stays, and is told.
 */
export function endsRemoval(state: ReleaseState, { gone, deleting }: Remains): boolean {
  if (gone || deleting) return gone
  const operation = openOperation(state)
  if (operation === null) return state.release.failedKind !== 'uninstall'
  return operation.phase.name !== 'removing' || operation.phase.byHelm !== true
}

/**
 * The time is over, and pods within their grace period are all that is not gone yet: they end by themselves, so that is no
 * failure, and they are told (docs/adr/0054). Null where that is not so.
 */
function onlyStopping(look: Look): ReleaseDecision | null {
  const { seen, operation, now } = look
  const remains = seen.kind === 'absent' ? seen.remains : null
  if (operation.cancelRequested || !remains?.stopping) return null
  const { until } = remains.stopping
  if (now >= (until ?? operation.deadline ?? now) + graceSlackMs) return null
  // The garbage collector comes to them in a moment.
  if (until === null) return goOn(look, { operation, wake: now + seconds(1) })
  // The look was taken before the time was over: what is told at the end was not read by it.
  return remains.whole === true ? uninstalled(look, leftoversOf(remains)) : goOn(look, { operation, wake: now })
}

/** Clocks of cluster and worker may differ, and a kubelet and the garbage collector take a moment. */
const graceSlackMs = seconds(5)

function incomplete(remains: Remains | null) {
  const what = remains?.blockers.join('; ') ?? 'the cluster did not say which'
  return { code: 'uninstall_incomplete', detail: `still there: ${what}` } as const
}

/** A hook after the removal changes nothing of it any more; that it failed is told all the same. */
function failedHook({ attempt, operation }: Look): ActFailure | null {
  const ours = attempt?.act.kind === 'uninstall' && attempt.act.operationId === operation.id
  return ours && attempt.failure?.code === 'hook_failed' ? attempt.failure : null
}

function uninstalled(look: Look, leftovers: readonly Leftover[]): ReleaseDecision {
  const { state, operation, now } = look
  const change: Partial<Release> = {
    status: 'UNINSTALLED',
    failedKind: null,
    attemptedChartVersion: null,
    pendingBy: null,
    frozen: null,
    observed: null,
    leftovers,
    health: null,
    performedBy: operation.performedBy,
  }
  const mirrored = uninstalledRevision(state)
  const hook = failedHook(look)
  if (operation.reverting === null && hook !== null) {
    const { operation: kept } = withEvidence(look, hook.evidence)
    return ended(
      state,
      kept,
      { status: 'FAILED', error: { code: hook.code, detail: hook.detail } },
      change,
      now,
      mirrored,
    )
  }
  if (operation.reverting === null)
    return ended(state, operation, { status: 'SUCCEEDED', error: null }, change, now, mirrored)
  const { failure } = operation.reverting
  const code = failure.code === 'cancelled' ? 'cancelled' : 'rolled_back'
  return ended(
    state,
    operation,
    { status: 'FAILED', error: { code, detail: `${failure.detail}; uninstalled again` } },
    change,
    now,
  )
}
