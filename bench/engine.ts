import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { stopwatch, systemClock } from '../src/infra/clock.ts'
import { startEmbeddedPostgres } from '../src/infra/database/embedded/server.ts'
import { openListener } from '../src/infra/database/listen.ts'
import { migrate } from '../src/infra/database/migrate.ts'
import { openDatabase, transaction } from '../src/infra/database/pool.ts'
import type { Driver } from '../src/infra/engine/drive.ts'
import { wake } from '../src/infra/engine/work.ts'
import { startWorker } from '../src/infra/engine/worker.ts'
import { silentLog } from '../src/infra/log.ts'

/**
 * What the queue itself costs, on a durable embedded PostgreSQL: from the commit of a wake to the start of the work,
 * and subjects claimed and finished a second when they do nothing. Run: `node bench/engine.ts`.
 */
const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
const server = await startEmbeddedPostgres({ home, log: silentLog })
const database = openDatabase(server.url, { max: 10, log: silentLog })
const listener = openListener(server.url, silentLog)
await migrate(database.db)

let started: (() => void) | null = null
const nothing: Driver = {
  kind: 'release',
  async drive(lease) {
    started?.()
    return { kind: 'finished', wake: null, seen: lease.wanted() }
  },
}
const worker = startWorker({
  ...{ db: database.db, listener, drivers: [nothing], concurrency: 64, clock: systemClock, log: silentLog },
})

async function latency(): Promise<number> {
  const start = Promise.withResolvers<void>()
  started = start.resolve
  const from = stopwatch()
  await transaction(database.db, (tx) => wake(tx, { kind: 'release', id: randomUUID() }))
  await start.promise
  started = null
  return stopwatch() - from
}

async function throughput(jobs: number): Promise<number> {
  await sql`insert into work (kind, subject_id, due_at, wanted, seen, epoch)
    select 'release', gen_random_uuid(), now(), 1, 0, 0 from generate_series(1, ${jobs}::int)`.execute(database.db)
  const from = stopwatch()
  await worker.idle()
  return jobs / ((stopwatch() - from) / 1_000)
}

const latencies: number[] = []
for (let n = 0; n < 200; n++) latencies.push(await latency())
latencies.sort((a, b) => a - b)
const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1)
console.log(`enqueue (with its commit) to start: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
console.log(`empty work: ${Math.round(await throughput(5_000))} subjects/s`)

await worker.stop()
await listener.close()
await database.close()
await server.stop()
rmSync(home, { recursive: true })
