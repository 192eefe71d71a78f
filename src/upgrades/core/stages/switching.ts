import { isInFlight, withStatus } from '../instances.ts'
import { waits } from '../reasons.ts'
import { enter } from '../turns.ts'
import { act, go, goTo, type Look, type StageHandler, soon, wait } from './look.ts'
import { canServe, stopUnpinned } from './pinning.ts'
import { stoppedOr } from './stopped.ts'

/** Blue-green: one switch of the traffic to the new set, all of which has passed. */
export const switching: StageHandler = (look) =>
  stoppedOr(look, () => {
    const { execution, fleet } = look
    if (!execution.capabilities.pin || fleet.pin?.to === 'target') return goTo(look, execution, 'watching')
    if (!isGreenReady(look)) return go(enter(execution, 'moving', look.now))
    if (!canServe(look, 'target')) return wait(execution, waits.pin, soon(look))
    return stopUnpinned(look) ?? act(execution, { kind: 'pin', to: 'target' }, waits.pin)
  })

/** True when every instance has passed: traffic goes to no other set. */
function isGreenReady({ execution: { instances } }: Look): boolean {
  return withStatus(instances, 'PENDING').length === 0 && !instances.some(isInFlight)
}
