import type { Check, CheckReport, Execution } from '../model.ts'
import { statusReasons, waits } from '../reasons.ts'
import { finish, flotilla, moveTo } from '../transitions.ts'
import { enter } from '../turns.ts'
import { type Look, type Step, wait } from './look.ts'

type CheckingLook = Pick<Look, 'execution' | 'checks' | 'now'>

/** VALIDATING: nothing has been touched; the checks decide whether anything will be. */
export function checking(look: CheckingLook): Step {
  const { execution, checks, now } = look
  if (checks === null) return wait(execution, waits.checks, now + 1000)
  const checked = withChecks(execution, checks)
  const refused = refusalIn(checked, checks)
  if (refused !== null) {
    const mover = { at: now, by: flotilla, reason: refused.detail }
    return { kind: 'end', execution: finish(checked, 'FAILED', refused.code, mover) }
  }
  if (checks.change === null) return wait(checked, waits.checks, now + 1000)
  return begin({ ...checked, change: checks.change }, now)
}

/** What was found, where a person has overridden a failed check with that shown (SPEC section 5, "Checks"). */
export function withChecks(execution: Execution, { checks, warnings }: CheckReport): Execution {
  const found = checks.map((check) => overridden(execution, check))
  const phases = new Set(found.map(({ phase }) => phase))
  const kept = execution.checks.filter(({ phase }) => !phases.has(phase))
  const known = new Set(execution.warnings.map(({ code, message }) => `${code} ${message}`))
  const fresh = warnings.filter(({ code, message }) => !known.has(`${code} ${message}`))
  return { ...execution, checks: [...kept, ...found], warnings: [...execution.warnings, ...fresh] }
}

function overridden({ overrides }: Execution, check: Check): Check {
  const waived = check.phase === 'PRE' && check.status === 'FAILED' && overrides.some((o) => o.check === check.name)
  return waived ? { ...check, status: 'OVERRIDDEN' } : check
}

function refusalIn({ checks }: Execution, { refusal }: CheckReport) {
  if (refusal !== null) return { code: statusReasons.refused, detail: refusal.detail }
  const failed = checks.filter(({ phase, status }) => phase === 'PRE' && status === 'FAILED')
  return failed.length === 0 ? null : { code: statusReasons.checks, detail: failed.map(({ name }) => name).join(', ') }
}

/** Where no pod changes, there is no canary to watch: every strategy goes the same way. */
function begin(execution: Execution, now: number): Step {
  const { change, spec } = execution
  const to = spec.strategy === 'CANARY' && change?.podsChange ? 'CANARY_RUNNING' : 'IN_PROGRESS'
  const moved = moveTo(execution, to, { at: now, by: flotilla, reason: null })
  return { kind: 'go', execution: enter(moved, 'closing', now) }
}
