import { waits } from '../reasons.ts'
import { act, goTo, type Look, type StageHandler } from './look.ts'

/** Blue-green: traffic is pinned to the old pods before a new one can appear. */
export const pinning: StageHandler = (look) => {
  const { execution, fleet } = look
  const pinned = fleet.pin?.to === 'previous'
  if (pinned || !execution.capabilities.pin || !canServe(look, 'previous')) return goTo(look, execution, 'moving')
  return act(execution, { kind: 'pin', to: 'previous' }, waits.pin)
}

/** True when a pod of the side is ready: a pin on a side with none is an outage. */
export function canServe({ members }: Look, side: 'previous' | 'target'): boolean {
  for (const member of members.values()) if (member.side === side && member.ready) return true
  return false
}
