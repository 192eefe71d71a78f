/*
 * With no instance nothing can be verified, and nothing is taken for verified (docs/adr/0051): whoever scales a fleet to 0
 * in the middle is waited for as long as any instance, and goes on with what comes then. After that the upgrade stops. A
 * canary of which nobody runs the target version any more is none either.
 */
import { type Instant, seconds } from '../../core/instant.ts'
import { goesForward, stopHeldUp, withTimeKept } from './held-up.ts'
import { isInFlight } from './instances.ts'
import { limitOf } from './leaving.ts'
import type { Execution, Instance, Stage } from './model.ts'
import { statusReasons, waits } from './reasons.ts'
import type { Fleet, Members } from './slots.ts'
import { type Look, type Step, waitUntil } from './stages/look.ts'
import { hasFailedCanary, timeLimit } from './stopping.ts'
import { strategyOf } from './strategies/index.ts'

/**
 * The execution with since when it has no instance. That ends with one that is ready and of the version of before, or has
 * passed: no fleet that is scaled to 1 and to 0 in turn goes on for ever, and none of which nothing is proved is promoted.
 */
export function followEmpty(execution: Execution, fleet: Fleet, members: Members, now: Instant): Execution {
  const known = execution.emptySince ?? null
  const since = goesForward(execution) ? sinceWhen(execution, fleet, members, now) : null
  return since === known ? execution : { ...execution, emptySince: since }
}

function sinceWhen(execution: Execution, fleet: Fleet, members: Members, now: Instant): Instant | null {
  const { emptySince = null } = execution
  if (fleet.wanted === 0 || isCanaryGone(execution)) return emptySince ?? now
  return emptySince === null || hasProved(execution, members) ? null : emptySince
}

/** What is monitored is a canary that is there: scaled away, or taken back by another hand, there is none. */
export function isCanaryGone({ status, instances }: Execution): boolean {
  return status === 'CANARY_MONITORING' && instances.every((one) => one.status === 'PENDING')
}

function hasProved(execution: Execution, members: Members): boolean {
  const { instances } = execution
  const passed = instances.filter(({ status, ready }) => status === 'COMPLETED' && ready).length
  // Traffic can be given to a set only when all of it has passed.
  if (passed >= (strategyOf(execution).switches ? Math.max(1, instances.length) : 1)) return true
  for (const { ready, side } of members.values()) if (ready && side !== 'target') return true
  return false
}

/** True while nobody can be served because nobody is wanted, or because nothing that has come since has passed yet. */
export function isEmptied(look: Look): boolean {
  const { execution, fleet, now } = look
  const { emptySince = null } = execution
  if (fleet.wanted === 0) return true
  if (emptySince === null) return false
  const until = timeLimit(execution, emptySince)
  return now < until || (now < timeLimit(execution, until) && execution.instances.some(isComing(look)))
}

/** It has come since, and has its own time to pass: as long again at most, whoever scales to 0 in turn. */
const isComing =
  ({ execution, now }: Look) =>
  (one: Instance) =>
    isInFlight(one) && now < limitOf(execution, one, now)

/** Stages that bring something about, or conclude something, by what instances there are. */
const held: ReadonlySet<Stage> = new Set([
  'closing',
  'deploying',
  'pinning',
  'moving',
  'switching',
  'watching',
  'opening',
  'verifying',
])

/** Waits for the fleet to be scaled up, starts nothing, and stops in the end. Null where there is an instance. */
export function whileEmpty(look: Look): Step | null {
  const { execution, fleet, now } = look
  const { emptySince = null } = execution
  if (emptySince === null || !isHeld(execution)) return null
  if (fleet.wanted > 0 && execution.instances.length > 0 && !isCanaryGone(execution)) return null
  const until = timeLimit(execution, emptySince)
  if (now >= until) return stopEmpty(look)
  const lookBy = Math.min(until, now + seconds(1) + Math.floor((now - emptySince) / 8))
  return waitUntil(withTimeKept(execution, now), waits.noInstances, { until, lookBy }, whyNone(look))
}

function whyNone({ execution, fleet }: Look): string {
  if (fleet.wanted === 0) return 'no instance is wanted'
  if (isCanaryGone(execution)) return 'no instance of the canary runs the target version any more'
  return fleet.whyNoPods ?? 'no instance has come yet'
}

/** Helm that runs comes to its end. A canary that has failed already says so. */
function isHeld(execution: Execution): boolean {
  const { stage, deployed } = execution
  if (!goesForward(execution) || hasFailedCanary(execution)) return false
  return held.has(stage) && !(stage === 'deploying' && deployed)
}

function stopEmpty(look: Look): Step {
  const { execution } = look
  const none = isCanaryGone(execution) ? 'no instance of the canary' : 'no instance'
  const detail = `there was ${none} for ${execution.spec.healthCheckTimeoutSeconds} s`
  return stopHeldUp(look, statusReasons.noInstances, detail)
}
