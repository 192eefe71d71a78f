import type { Clock } from '../../core/instant.ts'
import { startDeadline } from './deadline.ts'
import { objectPath, resources } from './resources.ts'
import { errorOfAnswer, errorOfFailure } from './status.ts'
import type { Transport } from './transport.ts'
import type { PodAddress, Probed, RequestOptions } from './types.ts'

const MOST_BYTES = 64 * 1024
const DEFAULT_TIMEOUT_MS = 5000

/** What the API server says of itself says nothing of the pod: it is asked so often, with pauses that double. */
const ATTEMPTS = 4
const FIRST_PAUSE_MS = 200

/** See `ClusterClient.probe`. What the pod says is asked for once: whoever probes asks again at its own interval. */
export async function probePod(
  transport: Transport,
  clock: Clock,
  pod: PodAddress,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions = {},
): Promise<Probed> {
  signal?.throwIfAborted()
  const deadline = startDeadline(clock, timeoutMs, signal)
  try {
    for (let attempt = 1; ; attempt++) {
      const { status, ofServer } = await ask(transport, pathOf(pod), deadline.signal)
      if (!ofServer) return status
      if (attempt === ATTEMPTS) return 'unasked'
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), deadline.signal)
      deadline.signal.throwIfAborted()
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (deadline.passed) return 'silent'
    throw errorOfFailure(error)
  } finally {
    deadline.end()
  }
}

async function ask(transport: Transport, path: string, signal: AbortSignal) {
  const answer = await transport({ method: 'GET', path, headers: { accept: '*/*' }, signal })
  const text = await readStart(answer.body)
  return { status: answer.status, ofServer: isOfServer(answer.status, text) }
}

/** The API server's own refusal or failure, told by its `Status`, unless that is about the pod, which it could not reach. */
function isOfServer(status: number, text: string): boolean {
  if (status !== 429 && status < 500) return false
  const { reason, message } = errorOfAnswer(status, text)
  return reason !== 'Unknown' && !message.startsWith('error trying to reach service')
}

function pathOf({ namespace, name, port, path }: PodAddress): string {
  const pod = objectPath(resources.pods, { namespace, name })
  return `${pod}:${port}/proxy${path}`
}

/** Reads what little an endpoint of health says, so that the connection can be used again; more is not waited for. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MOST_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
