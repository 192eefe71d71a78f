import { unlessAborted } from '../../src/infra/unless-aborted.ts'
import { Chance } from '../support/chance.ts'
import { StubbornClient } from './client.ts'
import { ClusterReader } from './cluster-reader.ts'
import { DatabaseReader } from './database-reader.ts'
import { type ExecutionParts, runExecutions } from './executions/lane.ts'
import { type Component, fleetPlaces, prepareFleets } from './executions/places.ts'
import { type FaultRecord, strike } from './faults.ts'
import { type Ledger, type Place, type Refusals, runBatches, runLane } from './lane.ts'
import { proveAll, proveFree } from './prove.ts'
import { type Report, summarize } from './report.ts'
import { Sentinel } from './sentinel.ts'
import { adminKey, World } from './world.ts'

export type ChaosOptions = {
  readonly kills: number
  readonly seed: number
  readonly gap: readonly [number, number]
  readonly say: (line: string) => void
  /** Ends the run: nothing is proved, everything is stopped, and its reason is thrown. */
  readonly signal?: AbortSignal
}

const charts = ['matih-query-engine', 'matih-ai-service', 'matih-query-engine', 'matih-metadata-store'] as const
const tenants = ['7c0a4f0e-0000-4000-8000-000000000001', '7c0a4f0e-0000-4000-8000-000000000002'] as const

/** Two tenants with three releases each. */
const places: readonly Place[] = [0, 1, 2, 3, 4, 5].map((n) => ({
  tenantId: tenants[n % 2 === 0 ? 0 : 1],
  namespace: `chaos-${n % 2}`,
  name: `rel-${n}`,
  chart: charts[n % charts.length] ?? charts[0],
}))

/**
 * Lets lanes work while faults strike, waits until things are quiet, and proves what must hold. However it ends nothing
 * runs any more; what is worth a look stays, and where that is said last.
 */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const { say, signal = new AbortController().signal } = options
  const world = await World.create()
  const where = `logs and data: ${world.home}`
  say(where)
  let kept = true
  try {
    const report = await unlessAborted(startAndRun(world, options), signal)
    kept = report.violations.length > 0
    return kept ? { ...report, logs: world.home } : report
  } finally {
    await world.stop({ keep: kept })
    if (kept) say(where)
  }
}

async function startAndRun(world: World, options: ChaosOptions): Promise<Report> {
  await world.start()
  options.say('strikes begin')
  return runIn(world, options)
}

async function runIn(world: World, options: ChaosOptions): Promise<Report> {
  const { seed, kills, gap, say } = options
  const chance = new Chance(seed)
  const database = new DatabaseReader(world.databaseUrl)
  const cluster = new ClusterReader(world.kubeconfig)
  const client = new StubbornClient(world.urls, adminKey)
  const sentinel = new Sentinel(cluster, database)
  const record: FaultRecord = { counts: new Map(), recoveries: [], total: 0 }
  const troubles: string[] = []
  const stopLanes = new AbortController()
  const stopWatch = new AbortController()
  const onTrouble = (what: string) => void troubles.push(what)
  const ledger = {
    accepted: new Map<string, string>() as Ledger,
    executions: new Map<string, string>(),
    refused: new Map<string, number>() as Refusals,
  }
  const components = await prepareFleets(client, ledger.accepted)
  const lanes = startLanes(seed, components, { client, ...ledger, stop: stopLanes.signal, onTrouble })
  const watching = sentinel.watch(stopWatch.signal)
  const progress = setInterval(
    () =>
      say(
        `${record.total} of ${kills} faults, ${ledger.accepted.size} operations and ${ledger.executions.size} executions accepted`,
      ),
    10_000,
  )
  try {
    await Promise.race([
      strike({ kills, world, chance, database, record, gap, onTrouble, struck: () => stopLanes.abort() }),
      lanes.failed,
    ])
    say(`${record.total} faults have struck; waiting until things are quiet`)
    await lanes.ended
    await world.ready()
    const proof = await proveAll({ world, database, cluster, client, ...ledger })
    stopWatch.abort()
    await watching
    const ends = await world.stopServers()
    const byHand = await proveFree(world, proof)
    const logged = world.servers.flatMap((server) => server.loggedErrors())
    const selfMade = world.servers.flatMap((server) => server.selfMade)
    const violations = [
      ...[...proof.violations, ...sentinel.violations, ...sentinel.fleets.violations, ...byHand],
      ...[...troubles, ...ends, ...selfMade],
    ]
    return summarize({
      seed,
      record,
      operations: proof.operations,
      executions: proof.executions,
      refused: ledger.refused,
      logged,
      looks: sentinel.looks,
      fleetLooks: sentinel.fleets.looks,
      violations,
    })
  } finally {
    clearInterval(progress)
    stopLanes.abort()
    stopWatch.abort()
  }
}

/** Each lane has its own chance: how fast one is does not change what another does. */
function startLanes(
  seed: number,
  components: ReadonlyMap<string, Component>,
  parts: Omit<ExecutionParts, 'chance' | 'component'>,
) {
  const chance = (n: number) => new Chance(seed * 1_000 + n)
  const all = [
    ...places.map((place, n) => runLane(place, { ...parts, chance: chance(n + 1) })),
    ...fleetPlaces.flatMap((place, n) => {
      const component = components.get(place.chart)
      return component === undefined ? [] : runExecutions(place, { ...parts, component, chance: chance(100 + n) })
    }),
    runBatches('matih-query-engine', { ...parts, chance: chance(0) }),
  ]
  const ended = Promise.all(all).then(() => undefined)
  // Whoever waits for the end hears of a failure there; until then it must not end the process.
  ended.catch(() => undefined)
  const failed = new Promise<never>((_, reject) => ended.catch(reject))
  failed.catch(() => undefined)
  return { ended, failed }
}
