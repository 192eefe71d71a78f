import type { Clock } from '../core/instant.ts'
import type { Principal, Uuid } from '../core/subject.ts'
import type { Db, Tx } from '../infra/database/types.ts'

/** The contexts of the server's kubeconfig, read once at the start. */
export type KubeContexts = { readonly current: string; readonly names: readonly string[] }

/** What tenants work with. Made by `main.ts`. */
export type TenantDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly contexts: KubeContexts
  /** Flotilla's own namespaces: nobody claims them. */
  readonly ownNamespaces: readonly string[]
}

/** How those of some operations that have ended did, by their ids, as the audit log says it: `succeeded`. */
export type OperationOutcomes = (db: Db, ids: readonly Uuid[]) => Promise<ReadonlyMap<Uuid, string>>

/** Who gives a command, why, and what else is written in its transaction. */
export type Caller = { readonly principal: Principal; readonly reason?: string | undefined }

/** Runs in a command's transaction with what the command answers; an idempotency key is completed there. */
export type OnDone<T> = (tx: Tx, result: T) => Promise<void>
