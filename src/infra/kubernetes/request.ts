import type { Clock } from '../../core/instant.ts'
import { readText } from './body.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import { ClusterError } from './errors.ts'
import { errorOfAnswer, errorOfFailure } from './status.ts'
import type { Transport, TransportRequest } from './transport.ts'
import type { RequestOptions } from './types.ts'

export type Ask = Omit<TransportRequest, 'signal'>
type Limits = RequestOptions & { readonly maxBytes?: number }

const DEFAULT_TIMEOUT_MS = 30_000
/** More than any object; a page of 500 Secrets can come near it. */
const MOST_BYTES = 512 * 1024 * 1024
const ATTEMPTS = 4
const LONGEST_PAUSE_MS = 5000

/** Sends requests and makes errors of what is no success. */
export interface Requester {
  /** The body of a successful answer. Throws `ClusterError`, or the signal's reason when the caller ended it. */
  send(ask: Ask, limits?: Limits): Promise<string>
}

/** A requester over a transport. `random` (0 to 1) spreads repetitions. */
export function createRequester(transport: Transport, clock: Clock, random: () => number): Requester {
  return {
    async send(ask, limits = {}) {
      limits.signal?.throwIfAborted()
      const deadline = startDeadline(clock, limits.timeoutMs ?? DEFAULT_TIMEOUT_MS, limits.signal)
      try {
        return await repeatWhileBusy(transport, { ...ask, signal: deadline.signal }, limits, clock, random)
      } catch (error) {
        throw whatEnded(error, deadline, limits.signal)
      } finally {
        deadline.end()
      }
    },
  }
}

async function repeatWhileBusy(
  transport: Transport,
  request: TransportRequest,
  { maxBytes = MOST_BYTES }: Limits,
  clock: Clock,
  random: () => number,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(transport, request, maxBytes)
    } catch (thrown) {
      if (request.signal.aborted) throw thrown
      const error = errorOfFailure(thrown)
      if (!mayRepeat(error, request, attempt)) throw error
      await clock.sleep(pauseMs(error, attempt, random), request.signal)
      request.signal.throwIfAborted()
    }
  }
}

async function once(transport: Transport, request: TransportRequest, maxBytes: number): Promise<string> {
  const answer = await transport(request)
  const text = await readText(answer.body, maxBytes)
  if (answer.status >= 200 && answer.status < 300) return text
  const retryAfter = answer.headers['retry-after']
  throw errorOfAnswer(answer.status, text, typeof retryAfter === 'string' ? retryAfter : undefined)
}

/**
 * Reads when the server asks for patience, once more when the connection or the server broke, and after a 401 with
 * credentials that were fetched anew. A server that was silent is not asked again: the time of the request is over.
 */
function mayRepeat(error: ClusterError, { method }: TransportRequest, attempt: number): boolean {
  if (error.status === 401) return attempt === 1
  if (method !== 'GET') return false
  return error.isBusy ? attempt < ATTEMPTS : hasBroken(error) && attempt === 1
}

const hasBroken = ({ status, reason }: ClusterError): boolean =>
  reason === 'Unreachable' || status === 500 || status === 502 || status === 504

function pauseMs({ status, details }: ClusterError, attempt: number, random: () => number): number {
  if (status === 401) return 0
  const asked = (details.retryAfterSeconds ?? 0) * 1000
  return Math.min(LONGEST_PAUSE_MS, Math.max(asked, 100 * 2 ** attempt)) * (1 + random() / 4)
}

function whatEnded(error: unknown, deadline: Deadline, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!deadline.passed) return errorOfFailure(error)
  const message = 'the cluster did not answer in time'
  return new ClusterError({ status: 0, reason: 'Timeout', message, cause: error })
}
