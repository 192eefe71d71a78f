import type { Tx } from '../../database/types.ts'

/** An answer as it is kept for replays: JSON text or empty, never a stream. */
export type StoredAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An answer before it is written as text. */
export type FinishedAnswer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/**
 * The `Idempotency-Key` of a running request as a command sees it. Without a key its methods do nothing.
 * `bind` and `complete` throw when the claim on the key was lost, so that the command's transaction is undone.
 */
export interface KeyedRequest {
  /** Records the accepted operation, or what else goes on, in its own transaction: after a crash a replay finds it. */
  bind(tx: Tx, subjectId: string): Promise<void>
  /** Records the answer of a command without an operation in that command's transaction. */
  complete(tx: Tx, answer: FinishedAnswer): Promise<void>
  /** What is answered now is no outcome of what was bound: it is not kept, and a replay looks for itself. */
  keepNone(): void
}

/** A request without a key. */
export const noKey: KeyedRequest = {
  bind: async () => {},
  complete: async () => {},
  keepNone: () => {},
}
