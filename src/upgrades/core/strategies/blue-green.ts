import { common, type StrategyRules } from './strategy.ts'

/** The whole new set beside the old one, then one switch of the traffic. The old pods go all together, unasked, at the end. */
export const blueGreen: StrategyRules = {
  ...common,
  allAtOnce: true,
  budgeted: false,
  asksBefore: false,
  switches: true,
  proves: () => true,
}
