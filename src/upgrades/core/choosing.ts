import type { Instant } from '../../core/instant.ts'
import { affordable, unreadyFirst } from './batches.ts'
import { inOrder, isInFlight, occupiesRoom, oldPod, targetPod, unavailable, withStatus } from './instances.ts'
import type { Execution, GatePosition, Instance } from './model.ts'
import { mapChanged, patch } from './patch.ts'
import { isShutBy } from './position.ts'
import type { Fleet } from './slots.ts'
import { budgetNow } from './stopping.ts'
import { strategyOf, surges } from './strategies/index.ts'

/** Those whose turn it could be, first the one that goes first, and no more than the strategy lets move now. */
export function turnsOf(execution: Execution): readonly Instance[] {
  const pending = withStatus(execution.instances, 'PENDING')
  const sorted = execution.capabilities.ordered ? inOrder(execution, pending) : unreadyFirst(pending)
  const limit = strategyOf(execution).limit(execution)
  if (execution.status === 'CANARY_MONITORING') return []
  if (limit === Number.POSITIVE_INFINITY) return sorted
  return sorted.slice(0, Math.max(0, limit - (execution.instances.length - pending.length)))
}

/** How many more may become unavailable. Chosen ones that are not let go yet count as if they were. */
export function budgetLeft(execution: Execution): number {
  const chosen = execution.instances.filter(({ status, ready }) => status === 'DRAINING' && ready).length
  return budgetNow(execution) - unavailable(execution.instances) - chosen
}

/** How many more may run beside the old ones. */
export function roomLeft(execution: Execution): number {
  if (!surges(execution)) return 0
  return (execution.change?.surgeRoom ?? 0) - execution.instances.filter(occupiesRoom).length
}

/** True while something that the cluster added is in flight: nothing more is let go until it has passed. */
export function clusterIsBusy({ instances }: Execution): boolean {
  return instances.some((one) => one.origin === 'CLUSTER' && isInFlight(one) && one.status !== 'DRAINING')
}

/** Takes the next batch or, of a batch larger than the room, its next part. The very execution when none can be taken. */
export function choose(execution: Execution, now: Instant): Execution {
  const turns = turnsOf(execution)
  const strategy = strategyOf(execution)
  if (strategy.allAtOnce)
    return begin(execution, turns, { beside: strategy.surges && besides(execution), now, left: 0 })
  if (execution.batchLeft > 0) return choosePart(execution, turns, now)
  const size = Math.min(execution.spec.batchSize, turns.length)
  const room = roomLeft(execution)
  if (room > 0) {
    const part = turns.slice(0, Math.min(size, room))
    return begin(execution, part, { beside: true, now, left: size - part.length })
  }
  const limits = { leaves: budgetLeft(execution), size, ordered: execution.capabilities.ordered }
  return begin(execution, affordable(turns, limits), { beside: false, now, left: 0 })
}

const besides = ({ capabilities }: Execution): boolean => capabilities.surge

function choosePart(execution: Execution, turns: readonly Instance[], now: Instant): Execution {
  const count = Math.min(execution.batchLeft, roomLeft(execution), turns.length)
  if (count <= 0) return execution
  const taken = take(execution, turns.slice(0, count), true, now)
  return { ...taken, batchLeft: turns.length === count ? 0 : execution.batchLeft - count }
}

type Begin = { readonly beside: boolean; readonly now: Instant; readonly left: number }

function begin(execution: Execution, taken: readonly Instance[], { beside, now, left }: Begin): Execution {
  if (taken.length === 0) return execution
  const batch = { currentBatch: execution.currentBatch + 1, batchSince: now, nextBatchAt: null, batchLeft: left }
  return { ...take(execution, taken, beside, now), ...batch }
}

/** A batch of which nothing was let go was none: those that were chosen have their turn again, without delay or approval. */
export function withoutUnmoved(execution: Execution, now: Instant): Execution {
  const { batchSince, currentBatch, nextBatchAt, instances } = execution
  if (nextBatchAt !== null || typeof batchSince !== 'number') return execution
  const moved = instances.some(({ status, startedAt }) => status !== 'PENDING' && (startedAt ?? 0) >= batchSince)
  return moved ? execution : { ...execution, currentBatch: currentBatch - 1, batchSince: null, nextBatchAt: now }
}

/**
 * One with a new pod beside it loses nothing yet, and one without a pod has nothing to lose: they are let go at once.
 * Another is asked first, where that is asked.
 */
function take(execution: Execution, taken: readonly Instance[], beside: boolean, now: Instant): Execution {
  const ids = new Set(taken.map(({ id }) => id))
  const asks = strategyOf(execution).asksBefore && !beside
  const change = { surge: beside, startedAt: now, message: null, turn: null } as const
  const instances = mapChanged(execution.instances, (one): Instance => {
    if (!ids.has(one.id)) return one
    return { ...one, ...change, status: asks && one.pod !== null ? 'DRAINING' : 'UPGRADING' }
  })
  return { ...execution, instances }
}

/**
 * Lets those go that were chosen before the look and are not refused, as far as the budget still allows. Those that it
 * no longer allows wait for their turn again. Where the order is fixed nobody passes one that is refused: the gate would let
 * that go too.
 */
export function letGo(execution: Execution, before: Execution, fleet: Fleet, now: Instant): Execution {
  const chosen = withStatus(execution.instances, 'DRAINING')
  if (chosen.length === 0 || clusterIsBusy(execution)) return execution
  const asked = new Set(withStatus(before.instances, 'DRAINING').map(({ id }) => id))
  const refused = ({ pod }: Instance) => pod !== null && fleet.refusals[pod.uid] !== undefined
  const mayGo = (instance: Instance) => asked.has(instance.id) && !refused(instance)
  const free = firstOf(execution, inOrder(execution, chosen), mayGo)
  const leaves = budgetNow(execution) - unavailable(execution.instances)
  const going = affordable(free, { leaves, size: free.length, ordered: execution.capabilities.ordered })
  const goes = new Set(going.map(({ id }) => id))
  const back = new Set(free.map(({ id }) => id).filter((id) => !goes.has(id)))
  const instances = mapChanged(execution.instances, (one): Instance => {
    if (goes.has(one.id)) return { ...one, status: 'UPGRADING', startedAt: now, message: null }
    return back.has(one.id) ? { ...one, status: 'PENDING', startedAt: null } : one
  })
  return patch(execution, { instances })
}

/** Those that may; where the order is fixed, until the first that may not. */
function firstOf(
  { capabilities }: Execution,
  sorted: readonly Instance[],
  mayGo: (instance: Instance) => boolean,
): readonly Instance[] {
  const stop = capabilities.ordered ? sorted.findIndex((one) => !mayGo(one)) : -1
  return stop === -1 ? sorted.filter(mayGo) : sorted.slice(0, stop)
}

/** Old pods whose new ones have passed may go, once it was asked whether they may. */
export function retire(execution: Execution, before: Execution, fleet: Fleet): Execution {
  if (strategyOf(execution).switches) return execution
  const asked = new Map(before.instances.map((instance) => [instance.id, instance]))
  const instances = mapChanged(execution.instances, (instance) => {
    if (!instance.surge || instance.status !== 'COMPLETED') return instance
    const old = oldPod(instance)
    const known = asked.get(instance.id)
    const wasAsked = known?.status === 'COMPLETED' && known.pod?.uid === old?.uid
    const mayGo = old === null || (wasAsked && fleet.refusals[old.uid] === undefined)
    return mayGo ? { ...instance, surge: false } : instance
  })
  return patch(execution, { instances })
}

/** True when nothing that was let go is still on its way, and no old pod stands beside a passed one that is to go. */
export function isSettled(execution: Execution): boolean {
  const { switches } = strategyOf(execution)
  return !execution.instances.some(
    (instance) => isInFlight(instance) || (!switches && instance.status === 'COMPLETED' && occupiesRoom(instance)),
  )
}

/** What was let go and has not moved is taken back when the gate never opened for it. */
export function recall(execution: Execution, gate: GatePosition): Execution {
  const isShut = isShutBy(execution, gate)
  const { ordered } = execution.capabilities
  const stays = (one: Instance): boolean => targetPod(one) === null && (ordered || oldPod(one) !== null)
  const instances = mapChanged(
    execution.instances,
    (one): Instance =>
      one.status === 'UPGRADING' && stays(one) && isShut(one)
        ? { ...one, status: 'PENDING', surge: false, startedAt: null, message: null }
        : one,
  )
  return patch(execution, { instances })
}
