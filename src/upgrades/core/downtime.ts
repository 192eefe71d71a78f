import { budgetOf } from './batches.ts'
import type { Execution, Warning } from './model.ts'
import { strategyOf } from './strategies/index.ts'

// SPEC section 5, "Safety": initiate warns where the fleet will have no ready instance for a while, or fewer than before.

/** New instances run beside those that they replace, as far as there is room. */
export function canSurge({ capabilities, spec }: Pick<Execution, 'capabilities' | 'spec'>): boolean {
  return capabilities.surge && strategyOf({ spec }).surges && spec.strategy !== 'RECREATE'
}

/** What is known without looking for room. */
export function downtimeOf(execution: Execution): readonly Warning[] {
  if (execution.spec.strategy !== 'RECREATE' && (canSurge(execution) || !budgetIsAll(execution))) return []
  return [{ code: 'DOWNTIME', message: 'there will be no ready instance while instances are replaced' }]
}

/** True where only room beside the instances keeps one ready: without it the budget is all of them. */
export function needsRoom(execution: Execution): boolean {
  return canSurge(execution) && budgetIsAll(execution)
}

/** Without room the budget applies: what that means where it is all of them. `pods`: how many more there is room for. */
export function downtimeWithout(execution: Execution, pods: number): readonly Warning[] {
  if (pods > 0 || !needsRoom(execution)) return []
  return [{ code: 'DOWNTIME', message: 'there is no room for another instance, so for a while none will be ready' }]
}

/**
 * A Deployment whose new pods cannot run beside the old ones moves within the budget, as what never surges does (docs/adr/0068).
 * `why`: null where they can.
 */
export function noSurgeWarnings({ spec, currentInstances: total }: Execution, why: string | null): readonly Warning[] {
  if (why === null || spec.strategy === 'RECREATE') return []
  const atOnce = Math.min(total, spec.batchSize, budgetOf(total, spec.maxUnavailablePercentage))
  const numbers = `up to ${atOnce} of ${total} instances are not ready at a time while they are replaced`
  return [{ code: 'NO_SURGE', message: `${why}: no new instance runs beside an old one, so ${numbers}` }]
}

const budgetIsAll = ({ spec, currentInstances: total }: Execution): boolean =>
  budgetOf(total, spec.maxUnavailablePercentage) >= total
