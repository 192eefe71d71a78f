import { statusReasons, waits } from '../reasons.ts'
import { stop } from '../turns.ts'
import { act, go, goTo, type Look, type StageHandler } from './look.ts'

/** Blue-green: traffic is pinned to the old pods before a new one can appear. */
export const pinning: StageHandler = (look) => {
  const { execution, fleet } = look
  const pinned = fleet.pin?.to === 'previous'
  if (pinned || !execution.capabilities.pin || !canServe(look, 'previous')) return goTo(look, execution, 'moving')
  if (staysUnpinned(look)) return go(stop(execution, statusReasons.pinRemoved, unpinned, look.now))
  return act(execution, { kind: 'pin', to: 'previous' }, waits.pin)
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

/** True when pinning succeeded and nothing is pinned: traffic goes to nobody, or where another hand sends it. */
export function staysUnpinned(look: Look): boolean {
  return look.fleet.pin === null && hasTriedToPin(look) && look.attempt?.result === 'done'
}

/** What is said then. */
export const unpinned = 'no Service stays pinned: none selects the pods, or another hand takes the pin away'
