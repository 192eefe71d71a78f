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

/** The first SIGTERM, SIGINT or SIGHUP stops everything in order; another one later ends the process at once. */
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
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) source.on(signal, () => take(signal))
  return { stopping: stopping.signal }
}

/** The signals of this process. It ends with the exit code that it has been given before. */
export function processSignals(log: Log, stops: Stops): SignalParts {
  // Whoever read the output has gone, as with a terminal: that is one hang-up, whatever else cannot be written afterwards.
  process.stdout.once('error', () => process.emit('SIGHUP', 'SIGHUP'))
  process.stdout.on('error', () => undefined)
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
