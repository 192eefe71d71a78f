import { common, type StrategyRules } from './strategy.ts'

/** Batches, with a delay between them. */
export const rolling: StrategyRules = common
