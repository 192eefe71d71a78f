import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { BoundedOutput } from './bounded-output.ts'

export type ChildCommand = {
  readonly binary: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
}

export type ChildLimits = {
  /** Milliseconds after which it is killed. */
  readonly deadlineMs: number
  /** Aborted when the act is cancelled. */
  readonly cancel: AbortSignal
  /** Aborted when nothing may be written any more: then there is nothing left to end in order. */
  readonly lost: AbortSignal
  /** How a cancelled child is ended: with time to write its verdict, or at once. */
  readonly onCancel: 'terminate' | 'kill'
  readonly graceMs: number
  readonly addressSpaceBytes: number
  readonly cpuSeconds: number
  readonly outputBytes: number
}

/**
 * Why a child ended: by itself, by a signal of somebody else before it can have used up its CPU time (`killed`), by that
 * limit (`exhausted`), or by which of our reasons.
 */
export type ChildEnd = 'exited' | 'killed' | 'exhausted' | 'deadline' | 'cancelled' | 'lost'
export type ChildOutcome = {
  readonly end: ChildEnd
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stdoutTruncated: boolean
  readonly stderr: string
}

/** Runs a program within its limits: `runChild` in this process, or a `Launcher`. */
export type RunChild = (command: ChildCommand, limits: ChildLimits) => Promise<ChildOutcome>

/** The shell sets the limits and becomes the program, so that they hold also when nobody is left to kill it. */
const limiter = 'ulimit -v "$1" && ulimit -t "$2" && umask 077 && shift 2 && exec "$@"'

/**
 * Runs a program within its limits and never rejects for what the program does: how it ended is in the outcome.
 * It gets a session of its own, so that a Ctrl-C in the server's terminal is not sent to it.
 */
export function runChild(command: ChildCommand, limits: ChildLimits): Promise<ChildOutcome> {
  const kilobytes = String(Math.floor(limits.addressSpaceBytes / 1024))
  const shell = ['-c', limiter, 'sh', kilobytes, String(limits.cpuSeconds), command.binary, ...command.args]
  const stdout = new BoundedOutput(limits.outputBytes)
  const stderr = new BoundedOutput(limits.outputBytes)
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', shell, {
      cwd: command.folder,
      env: command.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const watch = endOnTime((signal) => signalGroup(child.pid, signal), limits)
    child.stdout.on('data', (chunk: Buffer) => stdout.write(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk))
    child.on('error', (error) => {
      watch.stop()
      reject(error)
    })
    const begun = performance.now()
    child.on('close', (code) => {
      watch.stop()
      const mostCpuMs = (performance.now() - begun) * availableParallelism()
      resolve({
        end: endOf(watch.reason(), code, mostCpuMs < limits.cpuSeconds * 1000),
        code,
        stdout: stdout.text(),
        stdoutTruncated: stdout.truncated,
        stderr: stderr.text(),
      })
    })
  })
}

/** A limit of CPU time cannot have struck while less time than that has passed on all cores together. */
function endOf(reason: ChildEnd, code: number | null, withinCpuTime: boolean): ChildEnd {
  if (reason !== 'exited' || code !== null) return reason
  return withinCpuTime ? 'killed' : 'exhausted'
}

/** Sends the signals when their time comes. The first reason is the one that is reported. */
function endOnTime(send: (signal: NodeJS.Signals) => void, limits: ChildLimits) {
  let reason: ChildEnd = 'exited'
  let grace: NodeJS.Timeout | undefined
  const kill = (why: ChildEnd) => {
    if (reason === 'exited') reason = why
    send('SIGKILL')
  }
  const onLost = () => kill('lost')
  const onCancel = () => {
    if (limits.onCancel === 'kill') return kill('cancelled')
    if (reason === 'exited') reason = 'cancelled'
    send('SIGTERM')
    grace = setTimeout(() => send('SIGKILL'), limits.graceMs)
  }
  const deadline = setTimeout(() => kill('deadline'), limits.deadlineMs)
  listen(limits.lost, onLost)
  listen(limits.cancel, onCancel)
  return {
    reason: () => reason,
    stop: () => {
      clearTimeout(deadline)
      clearTimeout(grace)
      limits.lost.removeEventListener('abort', onLost)
      limits.cancel.removeEventListener('abort', onCancel)
    },
  }
}

/** The whole group: whatever the program may have started goes with it. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

function listen(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
}
