import { setTimeout as sleep } from 'node:timers/promises'
import type { StubbornClient } from './client.ts'
import type { ClusterReader } from './cluster-reader.ts'
import type { DatabaseReader, ExecutionRow, OperationRow } from './database-reader.ts'
import type { ExecutionLedger } from './executions/lane.ts'
import type { Ledger } from './lane.ts'
import { proveAgreement, type Seen, type ShownRelease, type ShownRevision } from './proofs/agreement.ts'
import { proveByHand } from './proofs/by-hand.ts'
import { proveEvents } from './proofs/events.ts'
import { proveExecutions } from './proofs/executions.ts'
import { proveNothingLeft } from './proofs/leftovers.ts'
import { proveOperations } from './proofs/operations.ts'
import { proveUngated } from './proofs/ungated.ts'
import type { World } from './world.ts'

export type ProofParts = {
  readonly world: World
  readonly database: DatabaseReader
  readonly cluster: ClusterReader
  readonly client: StubbornClient
  readonly accepted: Ledger
  readonly executions: ExecutionLedger
}
export type Proof = {
  readonly operations: readonly OperationRow[]
  readonly executions: readonly ExecutionRow[]
  readonly releases: readonly ShownRelease[]
  readonly violations: readonly string[]
}

/** Only against hanging: every operation has a deadline of its own. */
const quietLimitMs = 300_000
/** "Within a minute of the worker's return" (SPEC section 3): the watch has compared everything four times by then. */
const settleLimitMs = 60_000

/** Waits until nothing is under way, then proves everything that must hold then. */
export async function proveAll(parts: ProofParts): Promise<Proof> {
  const quiet = await isQuietWithin(parts.database, quietLimitMs)
  const deadline = performance.now() + settleLimitMs
  let proof = await proveNow(parts)
  while (proof.violations.length > 0 && performance.now() < deadline) {
    await sleep(1_000)
    proof = await proveNow(parts)
  }
  const late = quiet ? [] : ['operations or work were still under way when the wait for quiet was given up']
  return { ...proof, violations: [...late, ...proof.violations] }
}

async function isQuietWithin(database: DatabaseReader, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs
  let calm = 0
  while (calm < 5 && performance.now() < deadline) {
    calm = (await database.busy()) === 0 ? calm + 1 : 0
    await sleep(300)
  }
  return calm >= 5
}

/** The last proof, when no server is there any more to answer for it: each release takes helm from anybody. */
export async function proveFree(world: World, { releases }: Proof): Promise<readonly string[]> {
  const free = releases.filter(({ status, frozen }) => status === 'DEPLOYED' && frozen === null)
  return proveByHand(world, free)
}

async function proveNow({ world, database, cluster, client, ...ledgers }: ProofParts): Promise<Proof> {
  const operations = await database.operations()
  const events = await database.events()
  const stranded = await database.stranded()
  const releases = await database.releases()
  const executions = await database.executions()
  const seen = await look(cluster, client)
  const gates = await database.gates()
  const violations = [
    ...proveAgreement(seen),
    ...proveOperations(operations, events, ledgers.accepted),
    ...proveEvents(events, releases),
    ...proveExecutions({ executions, events, operations, releases, gates, accepted: ledgers.executions }),
    ...proveUngated(await cluster.held(), releases),
    ...(await proveNothingLeft(world.home, database)),
    ...stranded.map(({ id, what }) => `${id} ${what}`),
    ...[...(await cluster.deployedCounts())]
      .filter(([, count]) => count > 1)
      .map(([release, count]) => `${release} has ${count} deployed revisions`),
  ]
  return { operations, executions, releases: seen.releases, violations }
}

async function look(cluster: ClusterReader, client: StubbornClient): Promise<Seen> {
  const { body } = await client.get('/helm/releases?limit=200')
  const listed = body as readonly { readonly id: string }[]
  const releases = await Promise.all(
    listed.map(async ({ id }) => (await client.get(`/helm/releases/${id}`)).body as ShownRelease),
  )
  const histories = await Promise.all(
    listed.map(async ({ id }) => {
      const history = (await client.get(`/helm/releases/${id}/history`)).body as readonly ShownRevision[]
      return [id, history] as const
    }),
  )
  const [stored, workloads] = await Promise.all([cluster.revisions(), cluster.workloads()])
  return { releases, history: new Map(histories), stored, workloads }
}
