import type { Instant } from '../core/instant.ts'
import type { ErrorCode } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import type { ClaimedStatus, Conclusion, Frozen } from './core/model.ts'
import type { ResolvedChart } from './ports.ts'

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

/**
 * What a rollback brings back, and the newest revision that the execution found. `orFound`: that one where none is of the version,
 * as pods of a frozen fleet may run it all the same.
 */
export type ReturnTo = { readonly chartVersion: string; readonly found: number; readonly orFound: boolean }

/**
 * How such an operation stands. `until`: when helm, with its hooks, has run out of time; `awaits`: what it is at, in words, such as a hook. `held`: helm has applied it, and it waits for the verdict of its execution. `failed` with
 * the code `cancelled`: it was concluded before helm began, and has changed nothing.
 */
export type OrderSight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly until: Instant | null; readonly awaits: string | null }
  | { readonly kind: 'held' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }

/** Which chart an order deploys, as `Charts` resolved it. */
export type OrderedChart = Pick<ResolvedChart, 'digest' | 'version' | 'appVersion' | 'hasHooks'>

/** A release as an execution sees it, at one moment: its newest revision, whoever made it. */
export type ClaimedSight = {
  readonly releaseId: Uuid
  /** False once it is UNINSTALLED, or its row is another hand's reinstall. */
  readonly exists: boolean
  readonly revision: number
  readonly secretUid: string | null
  /** The operation that made it; null: another hand, or there is none. */
  readonly madeBy: Uuid | null
  /** How the newest revision stands, where it is neither deployed nor uninstalled; null elsewhere. */
  readonly stands: 'pending' | 'failed' | null
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
  show(tx: Tx, claim: ClaimRef, status: ClaimedStatus, now: Instant): Promise<void>
  /**
   * Ends a claim: the release is what its last operation made of it, or as before (frozen, where it was) when helm never
   * made a revision. Throws `Problem` operation_in_progress while an operation of the execution is open.
   */
  unclaim(tx: Tx, claim: ClaimRef & { readonly frozen: Frozen | null }, now: Instant): Promise<void>
  /**
   * Gives an upgrade to a chart version, with the stored overrides. It waits for the verdict once helm has applied. Throws
   * `Problem` 409 where the release cannot take it now: the next look tells why.
   */
  upgrade(tx: Tx, order: ExecutionOrder & { readonly chart: OrderedChart }, now: Instant): Promise<void>
  /**
   * Gives a rollback to the revision that brings a chart version back, of those up to the one that the execution `found`;
   * also to the newest one, of which it makes another. A revision that failed is gone back to only where the version has
   * no other. It forces, and waits for the verdict once helm has applied. Throws `Problem` as `upgrade` does, and
   * revision_not_found.
   */
  rollback(tx: Tx, order: ExecutionOrder & ReturnTo, now: Instant): Promise<void>
  /**
   * Tells an operation how it ended; what was said last counts. One that helm still works on ends when helm has, one that
   * helm has not begun is cancelled by `failed`, and one that has ended stays as it is.
   */
  conclude(
    tx: Tx,
    order: ClaimRef & { readonly operationId: Uuid; readonly verdict: Conclusion },
    now: Instant,
  ): Promise<void>
  /** Looks at claimed releases and at the given operations on them. */
  look(
    db: Db,
    claims: readonly { readonly releaseId: Uuid; readonly operationIds: readonly Uuid[] }[],
  ): Promise<readonly ClaimedSight[]>
}
