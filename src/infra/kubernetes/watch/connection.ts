import { readLines, readText } from '../body.ts'
import { startDeadline } from '../deadline.ts'
import { ClusterError } from '../errors.ts'
import { collectionPath, listQuery } from '../resources.ts'
import { errorOfAnswer, errorOfFailure } from '../status.ts'
import type { KubeObject } from '../types.ts'
import { type Frame, parseFrame } from './frames.ts'
import type { WatchParts } from './watch.ts'

/** From where a watch goes on: after a version, or with all objects of now first. */
export type Start = { readonly from: 'now' } | { readonly from: 'version'; readonly version: string }

const IDLE_MS = 90_000
const MOST_LINE_BYTES = 16 * 1024 * 1024

/**
 * One watch request: `open` once the server has accepted it, then its frames, until the server ends it. Throws
 * `ClusterError` when it breaks, and when nothing came for 90 s (bookmarks come every minute).
 */
export async function* openWatch<T extends KubeObject>(
  parts: WatchParts,
  start: Start,
  seconds: number,
): AsyncGenerator<'open' | Frame<T>> {
  const { clock, signal } = parts
  const idle = startDeadline(clock, IDLE_MS, signal)
  try {
    const body = await ask(parts, start, seconds, idle.signal)
    yield 'open'
    for await (const line of readLines(abortable(body, idle.signal), MOST_LINE_BYTES)) {
      idle.restart()
      yield parseFrame<T>(line)
    }
  } catch (error) {
    if (!idle.passed) throw errorOfFailure(error)
    throw new ClusterError({ status: 0, reason: 'Timeout', message: 'the watch was silent for too long' })
  } finally {
    idle.end()
  }
}

async function ask(parts: WatchParts, start: Start, seconds: number, signal: AbortSignal) {
  const { transport, resource, selection, accept } = parts
  const path = collectionPath(resource, selection.namespace) + listQuery(selection, watchQuery(start, seconds))
  const answer = await transport({ method: 'GET', path, headers: { accept }, signal })
  if (answer.status === 200) return answer.body
  throw errorOfAnswer(answer.status, await readText(abortable(answer.body, signal), MOST_LINE_BYTES))
}

function watchQuery(start: Start, seconds: number): Record<string, string> {
  const always = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) }
  if (start.from === 'version') return { ...always, resourceVersion: start.version }
  return { ...always, sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
}

/** A body that rejects as soon as the signal is aborted, whatever its source does. */
async function* abortable(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => undefined)
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    while (!signal.aborted) {
      const next = await Promise.race([source.next(), aborted.promise])
      if (next.done) return
      yield next.value
    }
    throw signal.reason
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: a source that hangs must not hold up who leaves it.
    source.return?.()?.catch(() => undefined)
  }
}
