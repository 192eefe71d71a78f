import type { Clock } from '../../core/instant.ts'
import { startDeadline } from './deadline.ts'
import { objectPath, resources } from './resources.ts'
import { errorOfFailure } from './status.ts'
import type { Transport } from './transport.ts'
import type { PodAddress, RequestOptions } from './types.ts'

const MOST_BYTES = 64 * 1024
const DEFAULT_TIMEOUT_MS = 5000

/** See `ClusterClient.probe`. Asked once: whoever probes asks again at its own interval. */
export async function probePod(
  transport: Transport,
  clock: Clock,
  pod: PodAddress,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions = {},
): Promise<number | null> {
  signal?.throwIfAborted()
  const deadline = startDeadline(clock, timeoutMs, signal)
  try {
    const path = pathOf(pod)
    const answer = await transport({ method: 'GET', path, headers: { accept: '*/*' }, signal: deadline.signal })
    await discard(answer.body)
    return answer.status
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (deadline.passed) return null
    throw errorOfFailure(error)
  } finally {
    deadline.end()
  }
}

function pathOf({ namespace, name, port, path }: PodAddress): string {
  const pod = objectPath(resources.pods, { namespace, name })
  return `${pod}:${port}/proxy${path}`
}

/** Reads what little an endpoint of health says, so that the connection can be used again; more is not waited for. */
async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MOST_BYTES) return
  }
}
