import type { Log } from '../infra/log.ts'
import type { Stops } from './stops.ts'

/** What a signal meets: the process, or a stand-in. */
export type SignalParts = {
  readonly source: Pick<NodeJS.EventEmitter, 'on'>
  /** Stops everything in order; never rejects. */
  readonly stop: (signal: string) => Promise<void>
  readonly exit: (code: number) => void
  /** Milliseconds that only rise. */
  readonly now: () => number
}

/** npm passes a Ctrl-C on that the terminal has already sent to its whole process group: that one is no second one. */
const echoMs = 1_000
/** What a shell reports of a program that Ctrl-C ended. */
const impatient = 130

/**
 * The first SIGTERM, SIGINT or SIGHUP stops everything in order. Another one later ends the process at once, but for SIGHUP: whoever
 * closes the terminal while it stops asks for nothing new.
 */
export function onSignals({ source, stop, exit, now }: SignalParts): { readonly stopping: AbortSignal } {
  const stopping = new AbortController()
  let first = 0
  const take = (signal: string) => {
    if (!stopping.signal.aborted) {
      first = now()
      stopping.abort()
      void stop(signal).then(() => exit(0))
    } else if (now() - first > echoMs) exit(impatient)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) source.on(signal, () => take(signal))
  source.on('SIGHUP', () => {
    if (!stopping.signal.aborted) take('SIGHUP')
  })
  return { stopping: stopping.signal }
}

/** Nobody reads what this process says any more: as when its terminal is closed. */
export function hangUp(): void {
  process.emit('SIGHUP', 'SIGHUP')
}

/** The signals of this process. It ends with the exit code that it has been given before. */
export function processSignals(log: Log, stops: Stops): SignalParts {
  process.stdout.on('error', hangUp)
  return {
    source: process,
    stop: async (signal) => {
      log.info({ signal }, 'stopping')
      await stops.stopAll()
      log.info({}, 'stopped')
    },
    exit: (code) => process.exit(code === 0 ? process.exitCode : code),
    now: () => performance.now(),
  }
}
