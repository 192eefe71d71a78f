import type { Execution } from '../model.ts'

/** What a strategy decides differently. Everything else is the same for all (`stages/`). */
export type StrategyRules = {
  /** Every instance is taken at once, whatever the batch size. */
  readonly allAtOnce: boolean
  /** What may be unavailable is limited (SPEC section 5, "Safety"). */
  readonly budgeted: boolean
  /** New instances come beside the old ones, where the fleet can do that and there is room. */
  readonly surges: boolean
  /** A pod is asked whether it may go before it does. */
  readonly asksBefore: boolean
  /** The new version runs beside the old one, and traffic is switched once. */
  readonly switches: boolean
  /** A person approves each batch but the last. */
  readonly approves: boolean
  /** How many instances may be on the target version now; Infinity: all. */
  readonly limit: (execution: Execution) => number
  /** The new instances prove the version: the first failure stops it, two bad checks in a row are one. */
  readonly proves: (execution: Execution) => boolean
}

/** The rules that most strategies share. */
export const common: StrategyRules = {
  allAtOnce: false,
  budgeted: true,
  surges: true,
  asksBefore: true,
  switches: false,
  approves: false,
  limit: () => Number.POSITIVE_INFINITY,
  proves: () => false,
}
