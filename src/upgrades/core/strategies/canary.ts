import { canaryCountOf } from '../batches.ts'
import type { Execution } from '../model.ts'
import { common, type StrategyRules } from './strategy.ts'

/** A few first; after the promotion the rest as in ROLLING. */
export const canary: StrategyRules = { ...common, limit: canaryLimit, proves: isUnpromoted }

function canaryLimit(execution: Execution): number {
  if (!isUnpromoted(execution)) return Number.POSITIVE_INFINITY
  return canaryCountOf(execution.currentInstances, execution.spec.canaryPercentage)
}

function isUnpromoted({ status, pausedFrom }: Execution): boolean {
  return status === 'CANARY_RUNNING' || status === 'CANARY_MONITORING' || pausedFrom === 'CANARY_RUNNING'
}
