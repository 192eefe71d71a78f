/*
 * What is told of an instance for good: nobody follows it any more once its execution has ended. Its status claims no more than
 * was seen of it last, and where no version was, its message says so.
 */
import type { Instant } from '../../core/instant.ts'
import { hasKnownVersion, isInFlight, targetPod, untouched } from './instances.ts'
import type { Ending, Instance } from './model.ts'

/** The instance as the end of its execution leaves it. Pure. */
export function asLeft(instance: Instance, { to }: Ending, now: Instant): Instance {
  const isProved = to === 'COMPLETED' || to === 'ROLLED_BACK'
  return sayingWhatRuns(isProved || claimsWhatRuns(instance) ? instance : inTheMiddle(instance, now))
}

/** Nothing of it was under way: what its status claims is what runs there. */
function claimsWhatRuns(instance: Instance): boolean {
  const { status, side, nextPod, unchanged } = instance
  if (status === 'COMPLETED') return unchanged || targetPod(instance) !== null
  if (status === 'ROLLED_BACK') return side === 'previous' && nextPod === null
  return !isInFlight(instance)
}

/**
 * One that was let go and not proved did not succeed, whatever becomes of it, nor did one that goes back and is not there; one
 * in flight that only runs the previous version is as it was.
 */
function inTheMiddle(instance: Instance, now: Instant): Instance {
  const isAsBefore = isInFlight(instance) && targetPod(instance) === null && instance.pod !== null
  if (isAsBefore) return untouched(instance)
  return { ...instance, status: 'FAILED', message: 'left in the middle: the execution ended first', endedAt: now }
}

function sayingWhatRuns(instance: Instance): Instance {
  if (hasKnownVersion(instance)) return instance
  const { message } = instance
  const unknown = `its version is not known: ${whatRuns(instance)}`
  return { ...instance, message: message === null ? unknown : `${message}; ${unknown}` }
}

function whatRuns({ pod, leaving = null }: Instance): string {
  if (pod !== null) return `nobody has told of what ${pod.name} is`
  return leaving === null ? 'nothing ran there at the end' : `${leaving.pod.name} was on its way out at the end`
}
