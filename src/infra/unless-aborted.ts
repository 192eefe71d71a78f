/**
 * What a promise gives, for as long as the signal is not aborted: then it rejects with the signal's reason at once.
 * A request of undici needs it beside its `signal`, which it heeds on a connection only: while one is being made, it and
 * all that are queued behind it would be waited for. What was given up so is not sent any more.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
