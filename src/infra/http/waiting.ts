import { Problem } from '../../core/problems.ts'
import { logOperation } from './access-log.ts'
import { isDatabaseAway } from './problem-json.ts'
import type { Call } from './route.ts'

/** What waiting needs of a call. */
export type WaitingCall = Pick<Call, 'request' | 'reply' | 'signal'>

/** What a 202 says of an accepted operation. */
export type Accepted = { readonly operationId: string }

/** True when the request carries `Prefer: respond-async` (RFC 7240), alone or among others. */
export function prefersAsync(prefer: string | readonly string[] | undefined): boolean {
  return [prefer ?? []].flat().some((line) => line.split(',').some((part) => /^\s*respond-async\s*(;|$)/i.test(part)))
}

/** Where an operation is polled. */
export const operationUrl = (operationId: string): string => `/api/v1/operations/${operationId}`

/**
 * Answers for an operation that was committed: 202 with its `Location` at once if the client prefers that, otherwise
 * what `whenEnded` gives once it has ended. Only the waiting ends when the client goes or the server stops: the work
 * goes on, and a server that stops, or has lost its database, says so with 503 and the place to look.
 *
 * @param whenEnded waits until the operation has ended and gives the body; it must return or throw soon after the
 * signal is aborted.
 */
export async function answerWhenEnded<T>(
  call: WaitingCall,
  operationId: string,
  whenEnded: (signal: AbortSignal) => Promise<T>,
): Promise<T | Accepted> {
  logOperation(call.reply, operationId)
  if (prefersAsync(call.request.headers.prefer)) return accepted(call, operationId)
  try {
    return await whenEnded(call.signal)
  } catch (error) {
    const why = call.signal.aborted
      ? 'The server is stopping'
      : isDatabaseAway(error)
        ? 'The database does not answer'
        : null
    if (why === null || error instanceof Problem) throw error
    call.reply.header('location', operationUrl(operationId))
    throw new Problem('unavailable', `${why}; the operation goes on, look at its Location`, { extra: { operationId } })
  }
}

/** Sets up a 202: `Location`, `Preference-Applied`; gives its body. */
export function accepted(call: Pick<Call, 'reply'>, operationId: string): Accepted {
  call.reply.code(202).headers({ location: operationUrl(operationId), 'preference-applied': 'respond-async' })
  return { operationId }
}
