import type { Principal } from '../../../core/subject.ts'
import type { StoredAnswer } from './keyed-request.ts'

type Tenants = Principal['tenants']

/** What is kept of an answer: with the tenants that its caller could see then. */
export type StoredOutcome = { readonly answer: StoredAnswer; readonly tenants: Tenants }

/** The row of a key, as far as a decision needs it. */
export type KeyRow = {
  readonly body_hash: Buffer
  readonly operation_id: string | null
  readonly response: StoredOutcome | null
}

/** What is known of a key when a request comes with it. */
export type KeyState<Claim> =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'running' }
  | { readonly kind: 'mismatch' }
  /** An operation, or what else goes on, was accepted; `outcome`: what the caller who waited for it was answered, null when nobody was. */
  | { readonly kind: 'operation'; readonly operationId: string; readonly outcome: StoredOutcome | null }
  | { readonly kind: 'answered'; readonly outcome: StoredOutcome }

/** The state of a key that somebody else has; a row that went meanwhile counts as running: the next look claims it. */
export function judgeKey(row: KeyRow | undefined, bodyHash: Buffer): KeyState<never> {
  if (!row) return { kind: 'running' }
  if (!row.body_hash.equals(bodyHash)) return { kind: 'mismatch' }
  if (row.operation_id !== null) return { kind: 'operation', operationId: row.operation_id, outcome: row.response }
  return row.response === null ? { kind: 'running' } : { kind: 'answered', outcome: row.response }
}

/** Whether a caller still sees every tenant that it saw when the answer was made. Fails closed. */
export function stillCovers(now: Tenants, then: Tenants): boolean {
  if (now === 'all') return true
  return then !== 'all' && then.every((tenant) => now.includes(tenant))
}

/** Whether an answer says only that an operation was accepted, as the caller preferred: the operation tells what it came to. */
export function isAcceptance({ headers }: StoredAnswer): boolean {
  return headers['preference-applied'] === 'respond-async'
}

/**
 * Whether an outcome with this status ends the matter. What a retry may cure (no token, too early, too many, a fault)
 * is not kept: the same key then runs again.
 */
export function isFinal(status: number): boolean {
  return status < 500 && ![401, 408, 425, 429].includes(status)
}
