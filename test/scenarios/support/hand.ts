import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testedHelm } from '../../support/tested-helm.ts'

export type HandResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Another hand: real helm with the cluster's own credentials, beside Flotilla. */
export class Hand {
  readonly #home = mkdtempSync(join(tmpdir(), 'flotilla-hand-'))
  readonly #kubeconfig: string
  readonly #binary = testedHelm()

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig
  }

  /** Runs helm and throws when it fails. */
  async helm(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryHelm(...args)
    if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async tryHelm(...args: readonly string[]): Promise<HandResult> {
    const { path } = await this.#binary
    return (await this.#start(path, args)).ended
  }

  /** Starts helm and answers while it runs; `kill` ends it as `kill -9` does. */
  async startHelm(...args: readonly string[]): Promise<{ readonly ended: Promise<HandResult>; kill(): void }> {
    const { path } = await this.#binary
    return this.#start(path, args)
  }

  /** A file of values. */
  values(values: object): string {
    const file = join(this.#home, `values-${Date.now()}-${Math.random().toString(36).slice(2)}.json`)
    writeFileSync(file, JSON.stringify(values))
    return file
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  #start(file: string, args: readonly string[]) {
    const env = { PATH: '/usr/bin:/bin', HOME: this.#home, KUBECONFIG: this.#kubeconfig, HELM_CACHE_HOME: this.#home }
    const { promise, resolve } = Promise.withResolvers<HandResult>()
    const child = execFile(file, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
    return { ended: promise, kill: () => void child.kill('SIGKILL') }
  }
}
