import { statusReasons, waits } from '../reasons.ts'
import { stop } from '../turns.ts'
import { act, go, goTo, type Look, type StageHandler, type Step } from './look.ts'

/** Blue-green: traffic is pinned to the old pods before a new one can appear. */
export const pinning: StageHandler = (look) => {
  const { execution, fleet } = look
  const pinned = fleet.pin?.to === 'previous'
  if (pinned || !execution.capabilities.pin || !canServe(look, 'previous')) return goTo(look, execution, 'moving')
  return stopUnpinned(look) ?? act(execution, { kind: 'pin', to: 'previous' }, waits.pin)
}

/** True when a pod of the side is ready: a pin on a side with none is an outage. */
export function canServe({ members }: Look, side: 'previous' | 'target'): boolean {
  for (const member of members.values()) if (member.side === side && member.ready) return true
  return false
}

/** True when pinning has been tried in this stage: what it has not changed, it does not change by another try. */
export function hasTriedToPin({ execution, attempt }: Look): boolean {
  return attempt?.act.kind === 'pin' && attempt.startedAt > execution.stageSince
}

/** Stops where pinning succeeded and nothing is pinned: traffic goes to nobody, or where another hand sends it. Null elsewhere. */
export function stopUnpinned(look: Look): Step | null {
  const { execution, fleet, attempt, now } = look
  if (fleet.pin !== null || !hasTriedToPin(look) || attempt?.result !== 'done') return null
  const why = 'no Service stays pinned: none selects the pods, or another hand takes the pin away'
  return go(stop(execution, statusReasons.pinRemoved, why, now))
}
