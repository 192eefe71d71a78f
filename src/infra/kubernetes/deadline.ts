import type { Clock } from '../../core/instant.ts'

/** A time limit that runs on a `Clock`; `signal` is aborted with `reason` when it is over, or with the outer's reason. */
export interface Deadline {
  readonly signal: AbortSignal
  /** True when the time, not the outer signal, has ended it. */
  readonly passed: boolean
  /** Starts the time anew. */
  restart(): void
  /** Ends the waiting. Must be called, or the clock keeps a timer. */
  end(): void
}

/** Why the clock need not wait any longer. Without one each `abort` makes an error with a stack, and every request has one. */
const noLongerAwaited = 'no longer awaited'

/** Starts a time limit of `ms` under an outer signal. */
export function startDeadline(clock: Clock, ms: number, outer?: AbortSignal): Deadline {
  const ended = new AbortController()
  const signal = outer === undefined ? ended.signal : AbortSignal.any([ended.signal, outer])
  let timer = new AbortController()
  let passed = false
  const run = (): void => {
    const mine = timer
    void clock.sleep(ms, mine.signal).then(() => {
      if (mine.signal.aborted) return
      passed = true
      ended.abort(new Error(`no answer within ${ms / 1000} s`))
    })
  }
  run()
  return {
    signal,
    get passed() {
      return passed
    },
    restart() {
      timer.abort(noLongerAwaited)
      timer = new AbortController()
      run()
    },
    end: () => timer.abort(noLongerAwaited),
  }
}
