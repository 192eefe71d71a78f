import type { ChildCommand, ChildLimits, ChildOutcome } from '../child.ts'

/** What the server tells its launcher. `cancel` and `lost` are the signals of a run's limits. */
export type ToLauncher =
  | {
      readonly kind: 'run'
      readonly id: number
      readonly command: ChildCommand
      readonly limits: Omit<ChildLimits, RunSignal>
    }
  | { readonly kind: RunSignal; readonly id: number }
export type RunSignal = 'cancel' | 'lost'

/** What the launcher tells: how a run ended; null when it could not even be begun. */
export type FromLauncher = { readonly id: number; readonly outcome: ChildOutcome | null }
