import { waits } from '../reasons.ts'
import { act, goTo, type StageHandler } from './look.ts'
import { canServe } from './pinning.ts'

/** Back: traffic goes to the old pods first, while they are there. Helm never ran: there is nothing else to take back. */
export const repinning: StageHandler = (look) => {
  const { execution, fleet } = look
  if (!execution.deployed) return goTo(look, execution, 'restoring')
  const done = fleet.pin === null || fleet.pin.to === 'previous' || !canServe(look, 'previous')
  if (done) return goTo(look, execution, 'halting')
  return act(execution, { kind: 'pin', to: 'previous' }, waits.pin)
}
