import type { Uuid } from '../../core/subject.ts'
import type { EndWaiter } from '../../infra/engine/index.ts'
import type { Call } from '../../infra/http/route.ts'
import { type Accepted, answerWhenEnded } from '../../infra/http/waiting.ts'
import type { CommandCall } from '../commands/context.ts'
import type { ReleaseDeps } from '../deps.ts'
import { endOf } from '../store/operations.ts'

/** What the routes of releases are made with. */
export type RouteDeps = ReleaseDeps & { readonly ends: EndWaiter }

/** An HTTP call as commands take it. The accepted operation is bound to the idempotency key in its own transaction. */
export function commandCall(
  call: Pick<Call, 'principal' | 'idempotency' | 'stopping'>,
  reason: string | null | undefined,
): CommandCall {
  const { principal, idempotency, stopping } = call
  return {
    principal,
    reason: reason ?? null,
    stopping,
    onAccept: (tx, operationId) => idempotency.bind(tx, operationId),
  }
}

/**
 * Answers an accepted operation: 202 at once with `Prefer: respond-async`, else what `outcome` makes of it when it has
 * ended. A client that disconnects ends the waiting only; the work goes on (SPEC section 1).
 */
export function answerOperation<T>(
  deps: RouteDeps,
  call: Call,
  operationId: Uuid,
  outcome: () => Promise<T>,
): Promise<T | Accepted> {
  return answerWhenEnded(call, operationId, async (signal) => {
    const ended = await deps.ends.waitForEnd(operationId, () => endOf(deps.db, operationId), signal)
    if (ended === null) throw signal.reason
    return outcome()
  })
}
