import { runChild } from '../child.ts'
import type { FromLauncher, RunSignal, ToLauncher } from './messages.ts'

/** The launcher's own process: see `launcher.ts`. It holds nothing but the runs that are under way. */
const runs = new Map<number, Readonly<Record<RunSignal, AbortController>>>()

process.on('message', (message: ToLauncher) => {
  if (message.kind === 'run') void run(message)
  else if (message.kind === 'ping') tell({ kind: 'pong' })
  else runs.get(message.id)?.[message.kind].abort()
})

/** The server is gone, in order or not: nobody is left to whom a helm could be of use. */
process.on('disconnect', () => {
  for (const { lost } of runs.values()) lost.abort()
  process.exit()
})

/** Signals to all processes of a service are for the server: it gives running helms their time. */
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function run({ id, command, limits }: Extract<ToLauncher, { kind: 'run' }>): Promise<void> {
  const signals = { cancel: new AbortController(), lost: new AbortController() }
  runs.set(id, signals)
  const { cancel, lost } = signals
  const outcome = await runChild(command, { ...limits, cancel: cancel.signal, lost: lost.signal }).catch(() => null)
  runs.delete(id)
  tell({ kind: 'ended', id, outcome })
}

function tell(message: FromLauncher): void {
  process.send?.(message)
}
