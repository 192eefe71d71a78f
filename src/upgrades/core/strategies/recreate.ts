import { common, type StrategyRules } from './strategy.ts'

/** All at once: the fleet is down meanwhile, so there is no budget to keep, and no pod is asked. */
export const recreate: StrategyRules = { ...common, allAtOnce: true, budgeted: false, surges: false, asksBefore: false }
