/*
 * Whose turn it is in an ordered fleet. A batch is let go at once, and its controller may still bring up one pod after
 * another, the highest first where it takes them away itself, the lowest first where it makes the missing ones. So the order
 * is not asked for, but what is seen: as long as it is busy with one that was let go, those of which there is no new pod
 * await their turn and are not late, and their time begins when it is through with that one, which came up or FAILED.
 *
 *   (let go) ──another is under way──▶ awaited ──nobody is──▶ (its time begins) ──its pod is there──▶ come
 *                                         ╰───────────its pod is there, its time begins──────────────────╯
 *
 * Who has had a pod has had its turn: its limit stays, however often that pod is replaced. So no wait is without end: each
 * is behind one that has a limit of its own. Where nobody is under way the time of all that wait runs, since any of them may be next.
 */
import type { Instant } from '../../core/instant.ts'
import { isInFlight, targetPod } from './instances.ts'
import type { Execution, Instance } from './model.ts'
import { mapChanged, patch } from './patch.ts'

/** With what is known of everybody's turn, in an ordered fleet; `before` is what it was at the look before. Pure. */
export function followTurns(before: Execution, execution: Execution, now: Instant): Execution {
  if (!execution.capabilities.ordered) return execution
  const sight = { isBusy: execution.instances.some(isUnderWay), cameUp: cameUp(before, execution), now }
  return patch(execution, { instances: mapChanged(execution.instances, (instance) => withTurn(instance, sight)) })
}

/** True for one that waits behind another: its time has not begun. */
export const awaitsTurn = ({ turn = null }: Instance): boolean => turn === 'awaited'

type Sight = {
  /** The controller is busy with one that was let go. */
  readonly isBusy: boolean
  /** Those that are up and were not at the look before: whoever was next has had no time before that. */
  readonly cameUp: ReadonlySet<string>
  readonly now: Instant
}

function withTurn(instance: Instance, { isBusy, cameUp, now }: Sight): Instance {
  const { status, turn = null, id } = instance
  if (status === 'PENDING') return turn === null ? instance : { ...instance, turn: null }
  if (status !== 'UPGRADING' || turn === 'come') return instance
  const begins = turn === 'awaited' || cameUp.size > (cameUp.has(id) ? 1 : 0)
  const startedAt = begins ? now : instance.startedAt
  if (targetPod(instance) !== null) return { ...instance, turn: 'come', startedAt }
  // Its old pod is on its way out: that has a limit of its own.
  if (isBusy && instance.leaving?.holds !== true)
    return turn === 'awaited' ? instance : { ...instance, turn: 'awaited' }
  return begins ? { ...instance, turn: null, startedAt } : instance
}

/** Its old pod is on its way out, or its new one is not up: nobody passes it. */
function isUnderWay(instance: Instance): boolean {
  if (!isInFlight(instance) || instance.status === 'DRAINING') return false
  return instance.leaving?.holds === true || (targetPod(instance) !== null && !instance.ready)
}

const isUp = (instance: Instance): boolean => isInFlight(instance) && targetPod(instance) !== null && instance.ready

function cameUp(before: Execution, { instances }: Execution): ReadonlySet<string> {
  const up = instances.filter(isUp)
  if (up.length === 0) return new Set()
  const known = new Set(before.instances.filter(isUp).map(({ id }) => id))
  return new Set(up.flatMap(({ id }) => (known.has(id) ? [] : id)))
}
