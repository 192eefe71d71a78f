import type { Execution } from '../model.ts'
import { patch } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { type Fleet, nameOf } from '../slots.ts'
import { timeLimit } from '../stopping.ts'
import { stop } from '../turns.ts'
import { go, type Look, type Step, waitUntil } from './look.ts'

/**
 * Nothing is in flight, and the budget lets nobody go, because instances are not ready that nothing of ours is done to. That
 * is waited for as long as for an instance, from when it is first so, and then it stops.
 */
export function starved(look: Look, lookBy: number): Step {
  const { execution, fleet, now } = look
  const starvedSince = execution.starvedSince ?? now
  const until = timeLimit(execution, starvedSince)
  const detail = whoIsNotReady(execution, fleet)
  if (now >= until) return go(stop(execution, statusReasons.unready, detail, now))
  return waitUntil(patch(execution, { starvedSince }), waits.budget, { until, lookBy }, detail)
}

/** Something can move: from now on the budget was never used up. */
export function fed(execution: Execution): Execution {
  return typeof execution.starvedSince === 'number' ? { ...execution, starvedSince: null } : execution
}

const mostNamed = 5

/** The instances that are not ready, by name. */
export function whoIsNotReady({ instances }: Pick<Execution, 'instances'>, fleet: Fleet): string {
  const names = instances.filter(({ ready }) => !ready).map((instance) => nameOf(fleet, instance))
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''
  return `not ready: ${names.slice(0, mostNamed).join(', ')}${more}`
}
