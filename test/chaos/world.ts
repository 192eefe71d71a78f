import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type PracticeCluster, startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { writeSamples } from '../../src/charts/index.ts'
import { choosePlace } from '../../src/infra/database/embedded/folders.ts'
import { findPostmaster } from '../../src/infra/database/embedded/postmaster.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/infra/database/embedded/server.ts'
import { serverUser } from '../../src/infra/database/embedded/user.ts'
import { silentLog } from '../../src/infra/log.ts'
import { helmsOf, listProcesses, send } from './processes.ts'
import { SupervisedServer } from './server.ts'

const samples = fileURLToPath(new URL('../../samples/charts', import.meta.url))
/** Charts of kinds of workloads that no sample has, laid out as the samples are. */
const more = fileURLToPath(new URL('charts', import.meta.url))
export const adminKey = `flo_chaos_${'k'.repeat(40)}`
export const leaseSeconds = 3
const readyWithinMs = 120_000

/** Everything that can be killed: a database, a practice cluster, two servers, and the helms that these start. */
export class World {
  readonly home: string
  servers: readonly SupervisedServer[] = []
  private postgres: EmbeddedPostgres | null = null
  private cluster: PracticeCluster | null = null
  private stopped = false
  /** Starts of parts that are under way: none may come up behind the end. */
  private readonly starting = new Set<Promise<void>>()
  private readonly onExit = () => this.killAll()

  private constructor(home: string) {
    this.home = home
  }

  /** Nothing runs in it yet. Whoever makes one stops it, however far its start has come. */
  static async create(): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'flotilla-chaos-')))
    await chmod(world.home, 0o711)
    // A server does not start without the chart folders that it is allowed.
    await mkdir(world.chartFolder)
    process.once('exit', world.onExit)
    return world
  }

  async start(): Promise<void> {
    await Promise.all([this.startDatabase(), this.startCluster()])
    const one = await this.addServer(0)
    await this.ready()
    await this.addCharts(one.url)
    await this.addServer(1)
    await this.ready()
  }

  private async addServer(n: number): Promise<SupervisedServer> {
    this.refuseStopped()
    const server = await SupervisedServer.start(join(this.home, `server-${n}.log`), this.environment(n))
    this.servers = [...this.servers, server]
    if (this.stopped) await server.stop()
    return server
  }

  private get chartFolder(): string {
    return join(this.home, 'charts')
  }

  get kubeconfig(): string {
    return join(this.home, 'cluster', 'kubeconfig')
  }

  /** With the password: not for logs. The port outlives the server. */
  get databaseUrl(): string {
    return this.postgres?.url ?? ''
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url)
  }

  async killDatabase(): Promise<void> {
    await this.postgres?.kill()
    await this.startDatabase()
  }

  async killCluster(): Promise<void> {
    await this.cluster?.kill()
    await this.startCluster()
  }

  /** Resolves when a helm runs, or after so long. */
  async untilHelmRuns(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs
    while (Date.now() < deadline && (await helmsOf(this.home)).length === 0) await sleep(20)
  }

  /** Kills a helm that runs at this moment; false when there is none. */
  async killHelm(): Promise<boolean> {
    const [helm] = await helmsOf(this.home)
    return helm !== undefined && send(helm.pid, 'SIGKILL')
  }

  /** Which server runs a helm at this moment, by its launcher; null when none does. */
  async serverWithHelm(): Promise<SupervisedServer | null> {
    const launchers = new Set((await helmsOf(this.home)).map(({ parent }) => parent))
    const parents = new Set((await listProcesses()).filter(({ pid }) => launchers.has(pid)).map(({ parent }) => parent))
    return this.servers.find(({ pid }) => pid !== null && parents.has(pid)) ?? null
  }

  /** Resolves when all servers are ready; throws with their last words when one never is. */
  async ready(): Promise<void> {
    const deadline = Date.now() + readyWithinMs
    for (const server of this.servers) {
      while (!(await server.isReady())) {
        if (Date.now() > deadline) throw new Error(`${server.url} did not become ready:\n${server.tail()}`)
        await sleep(100)
      }
    }
  }

  /** Ends the servers in order. Returns what did not end when it was asked to. */
  async stopServers(): Promise<readonly string[]> {
    const inTime = await Promise.all(this.servers.map((server) => server.stop()))
    return this.servers.filter((_, n) => !inTime[n]).map(({ url }) => `${url} did not stop on SIGTERM`)
  }

  /** Ends all of it, also what is just being started; the folder stays when it is wanted for a look. */
  async stop({ keep }: { readonly keep: boolean }): Promise<void> {
    this.stopped = true
    await this.stopServers()
    await Promise.allSettled(this.starting)
    // One that does not end in order must not keep the other from ending.
    const ends = await Promise.allSettled([this.cluster?.stop(), this.postgres?.stop()])
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    process.removeListener('exit', this.onExit)
    if (!keep) await rm(this.home, { recursive: true, force: true })
  }

  private killAll(): void {
    for (const server of this.servers) server.killNow()
    if (this.cluster !== null) send(this.cluster.pid, 'SIGKILL')
    // Looked for where it lies: one that is being started, or was started again, is not known here yet.
    if (!existsSync(this.databaseFolder)) return
    const postgres = findPostmaster(choosePlace(this.databaseFolder, serverUser).data)
    if (postgres !== null) send(postgres.pid, 'SIGKILL')
  }

  private get databaseFolder(): string {
    return join(this.home, 'database')
  }

  private refuseStopped(): void {
    if (this.stopped) throw new Error('the world is at its end')
  }

  private async part(start: () => Promise<void>): Promise<void> {
    this.refuseStopped()
    const started = start()
    this.starting.add(started)
    await started.finally(() => this.starting.delete(started))
  }

  /** The sample charts and our own, in a folder that both servers reach: with a database of one's own there is no such source. */
  private async addCharts(url: string): Promise<void> {
    const sources = join(this.home, 'chart-sources')
    for (const from of [samples, more]) await cp(from, sources, { recursive: true })
    await writeSamples(sources, this.chartFolder)
    const answer = await fetch(`${url}/api/v1/chart-sources`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'chaos', type: 'folder', url: this.chartFolder }),
    })
    if (!answer.ok) throw new Error(`the chart source was not added: ${await answer.text()}`)
  }

  private startDatabase(): Promise<void> {
    return this.part(async () => {
      this.postgres = await startEmbeddedPostgres({ home: this.databaseFolder, log: silentLog })
    })
  }

  private startCluster(): Promise<void> {
    return this.part(async () => {
      const data = join(this.home, 'cluster')
      this.cluster = await startPracticeClusterProcess({ data, podReadyMs: 100, onLog: () => {} })
    })
  }

  private environment(n: number): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      NODE_NO_WARNINGS: '1',
      FLOTILLA_HOME: join(this.home, `server-${n}`),
      FLOTILLA_ADMIN_KEY: adminKey,
      FLOTILLA_SECRET_KEY: 'chaos-secret-key-of-at-least-32-characters',
      DATABASE_URL: this.databaseUrl,
      KUBECONFIG: this.kubeconfig,
      CHART_FOLDERS: this.chartFolder,
      LEASE_SECONDS: String(leaseSeconds),
      REQUESTS_PER_SECOND: '0',
    }
  }
}
