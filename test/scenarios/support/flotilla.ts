import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testedHelmEnv } from '../../support/tested-helm.ts'

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

export type Flotilla = {
  readonly url: string
  readonly home: string
  readonly adminKey: string
  readonly pid: number
  /** Kubeconfig of its cluster, the practice cluster unless `env` names one: for looking at it from the outside. */
  readonly kubeconfig: string
  /** Every line that it has logged so far. */
  readonly log: readonly string[]
  readonly exited: Promise<number | null>
  stop(): Promise<void>
  kill(): Promise<void>
}

export type FlotillaOptions = {
  /** What is started: the checkout's own when not given. */
  readonly main?: string
  readonly home?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Nobody reads what it logs once it is ready: for measuring it, where reading would cost more than what is read. */
  readonly dropLog?: boolean
  /** In a process group of its own, as a terminal starts it: Ctrl-C is a signal to the whole group. */
  readonly ownGroup?: boolean
}

/** Starts a Flotilla of its own: embedded database, practice cluster, free port. As a user does, by its command line. */
export async function startFlotilla(options: FlotillaOptions = {}): Promise<Flotilla> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'flotilla-scenario-')))
  const args = options.args ?? ['serve', '--no-sample']
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    FLOTILLA_HOME: home,
    PORT: '0',
    // Tests and figures ask faster than a caller may.
    REQUESTS_PER_SECOND: '0',
    ...testedHelmEnv,
    ...realCluster(),
    ...options.env,
  }
  const child = spawn(process.execPath, [options.main ?? main, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.ownGroup === true,
  })
  const log: string[] = []
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const url = await readyUrl(child, log, exited)
  if (options.dropLog === true) dropOutput(child)
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return {
    url,
    home,
    adminKey: env.FLOTILLA_ADMIN_KEY ?? (await readFile(join(home, 'admin.key'), 'utf8')).trim(),
    pid: child.pid ?? 0,
    kubeconfig: env.KUBECONFIG ?? join(home, 'practice-cluster', 'kubeconfig'),
    log,
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/** The cluster that the suites run on when it is not a practice cluster of each Flotilla's own. */
const realCluster = (): Readonly<Record<string, string>> => {
  const given = process.env.CONTRACT_KUBECONFIG
  return given === undefined ? {} : { KUBECONFIG: given }
}

/** Stops it in order and removes its folder. */
export async function removeFlotilla(flotilla: Flotilla): Promise<void> {
  await flotilla.stop()
  await rm(flotilla.home, { recursive: true, force: true })
}

async function readyUrl(child: ChildProcess, log: string[], exited: Promise<number | null>): Promise<string> {
  const ready = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line)
        const url = /"msg":"ready".*/.test(line) ? (JSON.parse(line) as { url?: string }).url : undefined
        if (url !== undefined) resolve(url)
      })
    }
  })
  const first = await Promise.race([ready, exited])
  if (typeof first !== 'string') throw new Error(`Flotilla did not start:\n${log.join('\n')}`)
  return first
}

function dropOutput({ stdout, stderr }: ChildProcess): void {
  for (const stream of [stdout, stderr]) stream?.removeAllListeners('data').resume()
}
