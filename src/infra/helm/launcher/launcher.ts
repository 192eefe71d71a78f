import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildCommand, ChildLimits, ChildOutcome, RunChild } from '../child.ts'
import type { FromLauncher, RunSignal, ToLauncher } from './messages.ts'
import { Pulse } from './pulse.ts'

const program = fileURLToPath(new URL('./process.ts', import.meta.url))

/** How a run ended whose launcher was killed. Its program may live on: it has lost its gateway. */
const abandoned: ChildOutcome = { end: 'killed', code: null, stdout: '', stdoutTruncated: false, stderr: '' }

/**
 * Runs programs from a small process of its own, with `runChild`. Node forks to start one, and a fork copies what
 * describes the memory of the process: in a server of 180 MB it stands still for 6 ms each time, in the launcher
 * for 1 ms. The launcher has an empty environment; it ends its programs and itself when the server is gone.
 *
 * It is started with the first run, and again with the next one when it was killed. One that is silent while it has work,
 * because it was stopped, is killed: the limits of a run are its to keep, and nobody would keep them.
 */
export class Launcher {
  readonly #pending = new Map<number, (outcome: ChildOutcome | null) => void>()
  readonly #silenceMs: number
  #process: ChildProcess | null = null
  #runs = 0

  /** `silenceMs`: how long a launcher at work may be silent; it is killed within twice that. */
  constructor({ silenceMs = 10_000 }: { readonly silenceMs?: number } = {}) {
    this.#silenceMs = silenceMs
  }

  /** As `runChild`. */
  readonly run: RunChild = async (command, limits) => {
    const id = ++this.#runs
    const forget = forward(limits, (kind) => this.#send({ kind, id }))
    const outcome = await this.#begin(id, command, limits).finally(forget)
    if (outcome === null) throw new Error('the program could not be started')
    return outcome
  }

  /** Ends what still runs, and the process; one that is stopped, and so does not end by itself, is killed. */
  async close(): Promise<void> {
    const process = this.#process
    if (process === null) return
    const exited = once(process, 'exit')
    process.disconnect()
    const late = setTimeout(() => process.kill('SIGKILL'), this.#silenceMs)
    await exited.finally(() => clearTimeout(late))
  }

  #begin(id: number, command: ChildCommand, { cancel, lost, ...limits }: ChildLimits): Promise<ChildOutcome | null> {
    this.#process ??= this.#start()
    const outcome = new Promise<ChildOutcome | null>((resolve) => this.#pending.set(id, resolve))
    this.#send({ kind: 'run', id, command, limits })
    if (cancel.aborted) this.#send({ kind: 'cancel', id })
    if (lost.aborted) this.#send({ kind: 'lost', id })
    return outcome
  }

  /** A message to a launcher that is ending is lost: its exit answers for all that is pending. */
  #send(message: ToLauncher): void {
    if (this.#process?.connected === true) this.#process.send(message, () => undefined)
  }

  #start(): ChildProcess {
    const process = fork(program, {
      detached: true,
      env: {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const pulse = new Pulse(this.#silenceMs, {
      isAtWork: () => this.#pending.size > 0,
      ask: () => this.#send({ kind: 'ping' }),
      isSilent: () => void process.kill('SIGKILL'),
    })
    process.on('message', (message: FromLauncher) => {
      pulse.felt()
      if (message.kind === 'ended') this.#end(message.id, message.outcome)
    })
    const over = () => {
      pulse.end()
      if (this.#process !== process) return
      this.#process = null
      for (const id of [...this.#pending.keys()]) this.#end(id, abandoned)
    }
    process.on('exit', over)
    process.on('error', over)
    return process
  }

  #end(id: number, outcome: ChildOutcome | null): void {
    this.#pending.get(id)?.(outcome)
    this.#pending.delete(id)
  }
}

/** Passes the signals of a run on as they come; returns what ends that. */
function forward(limits: ChildLimits, send: (kind: RunSignal) => void): () => void {
  const onCancel = () => send('cancel')
  const onLost = () => send('lost')
  limits.cancel.addEventListener('abort', onCancel, { once: true })
  limits.lost.addEventListener('abort', onLost, { once: true })
  return () => {
    limits.cancel.removeEventListener('abort', onCancel)
    limits.lost.removeEventListener('abort', onLost)
  }
}
