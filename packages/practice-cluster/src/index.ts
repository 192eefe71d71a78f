import { type ChildProcess, spawn } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type PracticeClusterOptions = {
  /** The folder that holds everything that outlives the process. */
  readonly data: string
  /** 0 or nothing: the port of the last start if it is free, or any free one. */
  readonly port?: number
  /** Where the kubeconfig goes; in the data folder when not given. */
  readonly kubeconfig?: string
  /** How long a simulated pod takes to become ready, in milliseconds. */
  readonly podReadyMs?: number
  /** How long a deleted pod takes to stop, in milliseconds; its grace period ends it. */
  readonly podTerminateMs?: number
  /** Gets each line that the process writes to stderr. */
  readonly onLog?: (line: string) => void
}

export type PracticeCluster = {
  readonly kubeconfig: string
  readonly port: number
  readonly pid: number
  /** Resolves with the exit code (null after a signal) when the process ends, for whatever reason. */
  readonly exited: Promise<number | null>
  /** Ends it in order. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would; nothing that was answered is lost. */
  kill(): Promise<void>
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

/**
 * Starts a practice cluster as a process of its own and resolves once it can be reached. It stops in order when the
 * process that started it is gone, however that ended; a Ctrl-C in that process's terminal does not reach it.
 * @throws Error with what the process said, when it did not start.
 */
export async function startPracticeClusterProcess(options: PracticeClusterOptions): Promise<PracticeCluster> {
  const child = spawn(process.execPath, [MAIN, '--end-with-stdin', ...flagsOf(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: childEnvironment(),
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  // What it says last arrives before its streams close, not before it exits.
  const closed = new Promise<null>((resolve) => child.once('close', () => resolve(null)))
  const said: string[] = []
  let isStarting = true
  child.once('error', (error) => said.push(error.message))
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (isStarting) said.push(line.replace(/^practice-cluster: /, ''))
    options.onLog?.(line)
  })
  const ready = await Promise.race([firstLine(child), closed])
  isStarting = false
  if (ready === null) throw new Error(`the practice cluster in ${options.data} did not start: ${said.join('\n')}`)
  const { port, kubeconfig } = JSON.parse(ready) as { port: number; kubeconfig: string }
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return { kubeconfig, port, pid: child.pid ?? 0, exited, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
  })
}

function flagsOf({ data, port, kubeconfig, ...pods }: PracticeClusterOptions): string[] {
  const times = { 'pod-ready-ms': pods.podReadyMs, 'pod-terminate-ms': pods.podTerminateMs }
  const flags = { data, port, kubeconfig, ...times }
  return Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))
}

/**
 * Only what Node needs: the process has no use for the credentials of its parent. It keeps what it compiles where its
 * parent does, if that one keeps it.
 */
function childEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const compiled = getCompileCacheDir()
  return {
    PATH,
    HOME,
    NODE_NO_WARNINGS: '1',
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    // The parent's own folder is one of this version of Node, in the one that the environment names.
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }),
  }
}
