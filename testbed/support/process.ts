import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A program of the testbed, which ends with the process that started it, however that one ends. */
export class TestbedProcess {
  readonly name: string
  readonly #log: string
  readonly #child: ChildProcess
  /** Resolves with what it was ended by once it is gone. */
  readonly exited: Promise<string>

  /** Starts `file` in `folder`, where its log goes too. Call it on the main thread: the kernel binds the two there. */
  constructor(name: string, file: string, args: readonly string[], folder: string) {
    this.name = name
    this.#log = join(folder, `${name}.log`)
    const log = openSync(this.#log, 'a', 0o600)
    // `detached`: a Ctrl-C reaches the one that started it, which ends all of them together.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder },
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What it has said, in all its starts in this folder. */
  log(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** The end of what it has said. */
  lastWords(): string {
    return this.log().trimEnd().split('\n').slice(-15).join('\n')
  }

  /** Ends it at once: everything that it holds is temporary. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }
}
