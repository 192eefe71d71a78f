import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Machine } from '../infra/engine/types.ts'
import type { Vault } from '../infra/secrets/vault.ts'
import type { Batch, BatchCommand, BatchObservation } from './batch/core.ts'
import type { ReleaseReads } from './commands/release-reads.ts'
import type { ReleaseAct, ReleaseCommand, ReleaseObservation, ReleaseState } from './core/model.ts'
import type { ReleasePorts } from './ports.ts'
import type { ReleaseStates } from './store/state.ts'

export type ReleaseMachine = Machine<ReleaseState, ReleaseCommand, ReleaseObservation, ReleaseAct>
export type BatchMachine = Machine<Batch, BatchCommand, BatchObservation, never>

/** What every command, query and machine of releases works with. */
export type ReleaseDeps = {
  readonly db: Db
  readonly vault: Vault
  readonly clock: Clock
  readonly newId: () => Uuid
  /** What charts are rendered for where no cluster is asked, such as `v1.35.0`. */
  readonly kubeVersion: string
  /** Keys the hashes of previews. */
  readonly previewKey: Uint8Array
  readonly states: ReleaseStates
  readonly readOne: ReleaseReads
  readonly machine: ReleaseMachine
  readonly ports: ReleasePorts
}
