import type { Json } from '../../core/json.ts'
import type { Check, CheckName, CheckOverride } from '../core/model.ts'
import type { Finding } from '../ports.ts'

/** A pre-check with what it found. A failed one that a platform admin has overridden says why. */
export function preCheck(name: CheckName, finding: Finding, overrides: readonly CheckOverride[]): Check {
  const override = overrides.find(({ check }) => check === name)
  const check: Check = { name, phase: 'PRE', ...finding }
  if (finding.status !== 'FAILED' || override === undefined) return check
  return { ...check, status: 'OVERRIDDEN', message: `${finding.message} (overridden: ${override.reason})` }
}

/**
 * A post-check: it holds for every instance, or names the first few for which it does not. Then it is PENDING: what one
 * look shows may pass by the next, and whoever asks knows for how long (docs/adr/0051).
 */
export function postCheck(name: CheckName, holds: string, wrong: readonly string[], evidence: Json): Check {
  if (wrong.length === 0) return { name, phase: 'POST', status: 'PASSED', message: holds, evidence }
  const more = wrong.length > mostNamed ? ` and ${wrong.length - mostNamed} more` : ''
  const message = `${wrong.slice(0, mostNamed).join('; ')}${more}`
  return { name, phase: 'POST', status: 'PENDING', message, evidence }
}

const mostNamed = 5
