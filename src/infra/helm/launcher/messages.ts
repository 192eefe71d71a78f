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
  | { readonly kind: 'ping' }
export type RunSignal = 'cancel' | 'lost'

/** What the launcher tells: that it is there, or how a run ended; null when it could not even be begun. */
export type FromLauncher =
  | { readonly kind: 'pong' }
  | { readonly kind: 'ended'; readonly id: number; readonly outcome: ChildOutcome | null }
