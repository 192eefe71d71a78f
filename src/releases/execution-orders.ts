import type { Instant } from '../core/instant.ts'
import type { ErrorCode } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import type { Frozen } from './core/model.ts'

/** What an upgrade execution is to a release while it holds it. */
export type ClaimRef = { readonly releaseId: Uuid; readonly executionId: Uuid }

/** An operation that an execution gives to a release that it has claimed. Its id is fixed: giving it twice gives it once. */
export type ExecutionOrder = ClaimRef & {
  readonly operationId: Uuid
  /** For helm and its hooks, in seconds; the wait for the verdict has no limit. */
  readonly timeoutSeconds: number
  readonly performedBy: string
  readonly principalId: string
  readonly reason: string | null
}

/** How such an operation stands. `held`: helm has applied it, and it waits for the verdict of its execution. */
export type OrderSight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running' }
  | { readonly kind: 'held' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }

export type OrderVerdict =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }

/** A release as an execution sees it: its newest revision, whoever made it. */
export type ClaimedSight = {
  readonly releaseId: Uuid
  /** False once it is UNINSTALLED, or its row is another hand's reinstall. */
  readonly exists: boolean
  readonly revision: number
  readonly secretUid: string | null
  readonly orders: Readonly<Record<Uuid, OrderSight>>
}

/**
 * What upgrade executions may ask of releases (SPEC section 5, "A claimed release"). All that takes a `tx` belongs to the
 * transaction of the execution's own decision or is fenced by its lease; releases are taken in the order of their ids.
 */
export interface ExecutionOrders {
  /**
   * Claims a release: PENDING_UPGRADE with the execution's id, no other operation on it. Throws `Problem` 409 naming the
   * release when an operation runs, another execution or another hand has it, or it is neither DEPLOYED nor FAILED.
   */
  claim(tx: Tx, claim: ClaimRef, now: Instant): Promise<void>
  /** How a claimed release shows from now on. */
  show(tx: Tx, claim: ClaimRef, status: 'PENDING_UPGRADE' | 'PENDING_ROLLBACK', now: Instant): Promise<void>
  /** Ends a claim: the release is what its last operation made of it, or as before when there was none. */
  unclaim(tx: Tx, claim: ClaimRef & { readonly frozen: Frozen | null }, now: Instant): Promise<void>
  /** Gives an upgrade to a chart version, with the stored overrides. It waits for the verdict once helm has applied. */
  upgrade(
    tx: Tx,
    order: ExecutionOrder & { readonly chartDigest: string; readonly chartVersion: string },
    now: Instant,
  ): Promise<void>
  /** Gives a rollback to a revision. It forces, and waits for the verdict once helm has applied. */
  rollback(tx: Tx, order: ExecutionOrder & { readonly targetRevision: number }, now: Instant): Promise<void>
  /** Tells an operation how it ended. One that helm still works on ends when helm has; one that has ended stays as it is. */
  conclude(
    tx: Tx,
    order: ClaimRef & { readonly operationId: Uuid; readonly verdict: OrderVerdict },
    now: Instant,
  ): Promise<void>
  /** Looks at claimed releases and at the given operations on them. */
  look(
    db: Db,
    claims: readonly { readonly releaseId: Uuid; readonly operationIds: readonly Uuid[] }[],
  ): Promise<readonly ClaimedSight[]>
}
