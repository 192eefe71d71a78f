import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../testbed/support/port.ts'
import { send } from './processes.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const restartMs = 200

/** A server under a supervisor, as systemd would have it: started again whenever it ends, until it is stopped. */
export class SupervisedServer {
  readonly url: string
  readonly logFile: string
  /** Ends that nobody caused: a server that was ready and went by itself. */
  readonly selfMade: string[] = []
  private readonly env: Readonly<Record<string, string>>
  private child: ChildProcess | null = null
  private stopping = false
  private killed = false
  private frozen = false
  private readonly supervised: Promise<void>

  private constructor(port: number, logFile: string, env: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`
    this.logFile = logFile
    this.env = { ...env, PORT: String(port) }
    this.supervised = this.supervise()
  }

  static async start(logFile: string, env: Readonly<Record<string, string>>): Promise<SupervisedServer> {
    return new SupervisedServer(await freePort(), logFile, env)
  }

  get pid(): number | null {
    return this.child?.pid ?? null
  }

  get isFrozen(): boolean {
    return this.frozen
  }

  /** True when it answers and reaches its database and its cluster. */
  async isReady(): Promise<boolean> {
    if (this.frozen) return false
    const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null)
    return answer?.ok ?? false
  }

  kill(): void {
    this.killed = true
    if (this.pid !== null) send(this.pid, 'SIGKILL')
  }

  /** Stops it where it stands for so long, then lets it go on as if nothing had happened. */
  async freeze(ms: number): Promise<void> {
    const { pid } = this
    if (this.stopping || pid === null || !send(pid, 'SIGSTOP')) return
    this.frozen = true
    await sleep(ms)
    this.frozen = false
    send(pid, 'SIGCONT')
  }

  /** In order, by SIGTERM. Resolves when it has ended; false when it had to be killed. */
  async stop(graceMs = 40_000): Promise<boolean> {
    this.stopping = true
    if (this.pid === null) return true
    send(this.pid, 'SIGCONT')
    send(this.pid, 'SIGTERM')
    const timer = new AbortController()
    const late = sleep(graceMs, false, { signal: timer.signal }).catch(() => true)
    const inTime = await Promise.race([this.supervised.then(() => true), late])
    timer.abort()
    if (!inTime) this.kill()
    await this.supervised
    return inTime
  }

  /** For the end of this process: nothing of it may outlive the run. */
  killNow(): void {
    this.stopping = true
    if (this.pid !== null) send(this.pid, 'SIGKILL')
  }

  private async supervise(): Promise<void> {
    while (!this.stopping) {
      this.killed = false
      const wasReady = this.watchReady()
      const end = await this.run()
      if ((await wasReady.stop()) && !this.killed && !this.stopping) this.selfMade.push(end)
      if (!this.stopping) await sleep(restartMs)
    }
  }

  private run(): Promise<string> {
    const log = openSync(this.logFile, 'a', 0o600)
    const child = spawn(process.execPath, [main, 'serve', '--no-sample'], {
      env: this.env,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.child = child
    return new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        this.child = null
        resolve(`${this.url} ended with ${signal ?? code}`)
      }),
    )
  }

  /** Whether this life of the server ever became ready: until then an end is a failed start, to be tried again. */
  private watchReady() {
    let ready = false
    let over = false
    const watch = (async () => {
      while (!over && !ready) {
        ready = await this.isReady()
        if (!ready) await sleep(100)
      }
    })()
    return {
      stop: async () => {
        over = true
        await watch
        return ready
      },
    }
  }

  /** The messages of its log that tell of what went wrong, each as often as it was written. */
  loggedErrors(): readonly string[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n')
    return lines.flatMap((line) => (/^\{"level":(50|60)/.test(line) ? [String(JSON.parse(line).msg)] : []))
  }

  /** The last lines of its log. */
  tail(lines = 20): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n')
  }
}
