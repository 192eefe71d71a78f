import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../support/chance.ts'
import type { DatabaseReader } from './database-reader.ts'
import { measureRecovery } from './recovery.ts'
import type { SupervisedServer } from './server.ts'
import { leaseSeconds, type World } from './world.ts'

export const faultKinds = [
  ...([
    'helm',
    'server',
    'server with helm',
    'frozen server',
    'frozen server with helm',
    'database',
    'cluster',
  ] as const),
]
export type FaultKind = (typeof faultKinds)[number]

export type FaultRecord = {
  readonly counts: Map<FaultKind, number>
  /** Milliseconds from each fault until every operation that was open at that moment had moved on. */
  readonly recoveries: number[]
  total: number
}

export type FaultParts = {
  readonly world: World
  readonly chance: Chance
  readonly database: DatabaseReader
  readonly record: FaultRecord
  /** Milliseconds between two faults, at least and at most. */
  readonly gap: readonly [number, number]
  /** What went wrong with a fault itself, such as a part that does not start again. */
  readonly onTrouble: (what: string) => void
  readonly kills: number
  /** Called after the last fault, when what it left behind is still open. */
  readonly struck: () => void
}

/** How often each is chosen. A frozen server is away for longest, so that more of them would leave little to strike. */
const weights: Readonly<Record<FaultKind, number>> = {
  helm: 30,
  server: 12,
  'server with helm': 18,
  'frozen server': 4,
  'frozen server with helm': 14,
  database: 10,
  cluster: 12,
}

/** Strikes until so many faults have struck. Faults overlap; each part is struck again only when it is back. */
export async function strike(parts: FaultParts): Promise<void> {
  const { chance, record, gap, kills } = parts
  const down = new Set<string>()
  const running: Promise<void>[] = []
  while (record.total < kills) {
    await sleep(chance.between(...gap))
    const kind = choose(chance)
    const fault = await begin(kind, parts, down)
    if (fault === null) continue
    record.total++
    record.counts.set(kind, (record.counts.get(kind) ?? 0) + 1)
    running.push(measureRecovery(parts), fault.over)
  }
  parts.struck()
  await Promise.all(running)
}

function choose(chance: Chance): FaultKind {
  const sum = Object.values(weights).reduce((a, b) => a + b, 0)
  let at = chance.next() * sum
  for (const kind of faultKinds) {
    at -= weights[kind]
    if (at < 0) return kind
  }
  return 'server'
}

/** A fault that has struck; `over` when its target is back. */
type Fault = { readonly over: Promise<void> }

/** Begins a fault; null when its target is down already, or is not there. */
async function begin(kind: FaultKind, parts: FaultParts, down: Set<string>): Promise<Fault | null> {
  const { world, chance } = parts
  if (kind === 'database') return once('database', () => world.killDatabase(), parts, down)
  if (kind === 'cluster') return once('cluster', () => world.killCluster(), parts, down)
  if (kind === 'helm') return killHelm(parts)
  const some = world.servers[chance.between(0, 1)] ?? null
  const server = kind.endsWith('with helm') ? await serverWithHelm(parts) : some
  if (server === null || server.isFrozen || server.pid === null) return null
  if (!kind.startsWith('frozen')) return once(server.url, async () => server.kill(), parts, down)
  return once(server.url, () => freeze(server, chance), parts, down)
}

async function killHelm({ world, chance }: FaultParts): Promise<Fault | null> {
  await world.untilHelmRuns(helmWithinMs)
  await sleep(chance.between(0, helmRunsMs))
  return (await world.killHelm()) ? { over: Promise.resolve() } : null
}

/** A server whose helm is somewhere between its first request and its last; null when there is none. */
async function serverWithHelm({ world, chance }: FaultParts): Promise<SupervisedServer | null> {
  await world.untilHelmRuns(helmWithinMs)
  await sleep(chance.between(0, helmRunsMs))
  return world.serverWithHelm()
}

/** How long a helm is waited for, and about how long one runs on an idle machine, in milliseconds. */
const helmWithinMs = 3_000
const helmRunsMs = 500

/** For longer than its lease; sometimes so long that another server has taken over, sometimes just not. */
async function freeze(server: SupervisedServer, chance: Chance): Promise<void> {
  await server.freeze(leaseSeconds * 1000 + chance.between(200, 6_000))
  while (!(await server.isReady())) await sleep(100)
}

function once(target: string, fault: () => Promise<void>, { onTrouble }: FaultParts, down: Set<string>): Fault | null {
  if (down.has(target)) return null
  down.add(target)
  const over = fault()
    .catch((error: unknown) => onTrouble(`${target} did not come back: ${String(error)}`))
    .finally(() => down.delete(target))
  return { over }
}
