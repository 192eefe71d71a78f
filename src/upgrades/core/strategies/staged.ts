import { common, type StrategyRules } from './strategy.ts'

/** Batches, with an approval between them. */
export const staged: StrategyRules = { ...common, approves: true }
