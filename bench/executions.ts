import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { systemClock } from '../src/infra/clock.ts'
import { startEmbeddedPostgres } from '../src/infra/database/embedded/server.ts'
import { openListener } from '../src/infra/database/listen.ts'
import { migrate } from '../src/infra/database/migrate.ts'
import { type Database, openDatabase, transaction } from '../src/infra/database/pool.ts'
import { driverOf, startWorker, wake } from '../src/infra/engine/index.ts'
import { silentLog } from '../src/infra/log.ts'
import { decideExecution } from '../src/upgrades/core/decide.ts'
import type { CheckReport, Execution } from '../src/upgrades/core/model.ts'
import { podsAboutToGo, wantsProbe } from '../src/upgrades/core/probes.ts'
import { applyAct } from '../src/upgrades/core/rehearsal/apply.ts'
import { observeWorld } from '../src/upgrades/core/rehearsal/observe.ts'
import type { World } from '../src/upgrades/core/rehearsal/world.ts'
import { newInstance } from '../src/upgrades/core/slots.ts'
import { fleetOfWorld, newRehearsal } from '../src/upgrades/drivers/rehearsal.ts'
import { executionMachine, rehearsalFleet, type UpgradePorts } from '../src/upgrades/index.ts'
import { insertExecution } from '../src/upgrades/store/executions.ts'
import { writeWorld } from '../src/upgrades/store/rehearsals.ts'
import { executionOf, insertTenant } from '../test/contract/upgrades/given.ts'
import { cpuOf, cpuOfTree } from './support/measure.ts'
import { countStatements } from './support/statements.ts'

/**
 * How late executions are looked at, and what a look costs: `count` rehearsals of ten instances, monitored canaries, on one
 * worker and a durable embedded PostgreSQL. Late is a look after the moment that the execution waited for. `interval` is
 * that of their health checks in seconds: 30 by default, and a shorter one makes more looks of fewer executions.
 */
export function executions(count: number, interval: number, forSeconds = 60): Promise<void> {
  const intervalMs = interval * 1000
  const insert = (database: Database) => insertMonitored(database, count, intervalMs)
  // Until the first look at each is over: they come due over one interval, some seconds from now.
  return measured(count, { insert, warmUpMs: insertingMs + intervalMs + 10_000, forSeconds })
}

/** Inserting takes less. */
const insertingMs = 30_000

/**
 * The same where all of them are started within one second: how late each step is while all of them validate, let helm
 * apply and move their first batch at the same time. For a minute, from the first start on.
 */
export function startedAtOnce(count: number): Promise<void> {
  return measured(count, { insert: (database) => insertStarted(database, count), warmUpMs: 0, forSeconds: 60 })
}

type Load = {
  readonly insert: (database: Database) => Promise<void>
  readonly warmUpMs: number
  readonly forSeconds: number
}

async function measured(count: number, { insert, warmUpMs, forSeconds }: Load): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  const server = await startEmbeddedPostgres({ home, log: silentLog })
  const database = openDatabase(server.url, { max: 16, log: silentLog })
  const statements = countStatements(database.pool)
  const listener = openListener(server.url, silentLog)
  await migrate(database.db)
  await insert(database)
  const late: number[] = []
  const machine = executionMachine({
    ...{ db: database.db, clock: systemClock, newId: randomUUID, ports: rehearsing(database) },
  })
  let looks = 0
  const timed: typeof machine = {
    ...machine,
    observe: (execution, lease) => {
      looks++
      const due = execution.waitingFor?.until ?? null
      if (due !== null) late.push(Math.max(0, systemClock.now() - due))
      return machine.observe(execution, lease)
    },
  }
  const worker = startWorker({
    ...{ db: database.db, listener, drivers: [driverOf(timed)], concurrency: 1, limits: { execution: 64 } },
    ...{ clock: systemClock, log: silentLog },
  })
  await sleep(warmUpMs)
  late.length = 0
  const used = () => ({ own: cpuOf('self').own, database: cpuOfTree(server.pid()), statements: statements(), looks })
  const before = used()
  await sleep(forSeconds * 1000)
  const after = used()
  report(count, late, forSeconds)
  const aLook = (what: keyof typeof before) => (after[what] - before[what]) / (after.looks - before.looks)
  console.log(
    `a look: ${(aLook('own') * 1000).toFixed(2)} ms of CPU in this process, ${(aLook('database') * 1000).toFixed(2)} in PostgreSQL, ` +
      `${aLook('statements').toFixed(2)} round trips`,
  )
  await worker.stop()
  await listener.close()
  await database.close()
  await server.stop()
  rmSync(home, { recursive: true })
}

function report(count: number, late: readonly number[], seconds: number): void {
  const sorted = [...late].sort((a, b) => a - b)
  const at = (share: number) => `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`
  console.log(`${count} executions, ${Math.round(sorted.length / seconds)} looks/s`)
  console.log(`late: p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`)
}

/** Canaries that have passed and wait for their promotion, begun over one interval. */
function insertMonitored(database: Database, count: number, intervalMs: number): Promise<void> {
  const from = systemClock.now() + insertingMs
  return insertAll(database, count, (tenantId, share) =>
    monitored(tenantId, from + Math.floor(share * intervalMs), intervalMs),
  )
}

/** Executions that are started within the second after all of them are there: rolling, as the document has it. */
async function insertStarted(database: Database, count: number): Promise<void> {
  const far = systemClock.now() + 3_600_000
  await insertAll(database, count, (tenantId) => ({ ...begun(tenantId, systemClock.now()), due: far }))
  const { rows } = await sql<{ id: string }>`select id from executions order by id`.execute(database.db)
  const from = systemClock.now() + 2_000
  const dues = rows.map((_, n) => new Date(from + Math.floor((n / count) * 1000)))
  await sql`update executions e set waiting_for = jsonb_build_object('reason', 'CHECKS', 'until',
      (extract(epoch from s.due) * 1000)::bigint)
    from unnest(${rows.map(({ id }) => id)}::uuid[], ${dues}::timestamptz[]) as s(id, due)
    where e.id = s.id`.execute(database.db)
  await sql`update work w set due_at = s.due
    from unnest(${rows.map(({ id }) => id)}::uuid[], ${dues}::timestamptz[]) as s(id, due)
    where w.subject_id = s.id`.execute(database.db)
  await sql`vacuum analyze`.execute(database.db)
}

type Begun = { readonly execution: Execution; readonly world: World; readonly due: number }

async function insertAll(
  { db }: Database,
  count: number,
  make: (tenantId: string, share: number) => Begun,
): Promise<void> {
  const tenantId = await insertTenant(db)
  for (let n = 0; n < count; n += 100) {
    await transaction(db, async (tx) => {
      for (let m = n; m < Math.min(count, n + 100); m++) {
        const { execution, world, due } = make(tenantId, m / count)
        await insertExecution(tx, execution)
        await writeWorld(tx, execution.id, world)
        await wake(tx, { kind: 'execution', id: execution.id }, { at: due })
      }
    })
  }
  await sql`analyze`.execute(db)
}

/** An execution that has just been started, and its fleet. */
function begun(tenantId: string, now: number): Omit<Begun, 'due'> {
  const execution = started(tenantId, now)
  const releaseIds = execution.claims.map(({ releaseId }) => releaseId)
  const world = newRehearsal({ size: 10, faults: {}, releaseIds }, now)
  const { members } = fleetOfWorld(world, now)
  const instances = members.map((member, index) => newInstance(execution.id, index, member, 'TARGET'))
  const spec = { ...execution.spec, strategy: 'ROLLING' } as const
  return { execution: { ...execution, spec, instances, version: 0 }, world }
}

/** What an execution that began so long ago has come to, in virtual time: a monitored canary, next due after `from`. */
function monitored(tenantId: string, from: number, intervalMs: number): Begun {
  let now = from - 5 * intervalMs
  const begun = started(tenantId, now)
  const spec = { ...begun.spec, healthCheckIntervalSeconds: intervalMs / 1000 }
  let execution: Execution = { ...begun, spec }
  const releaseIds = execution.claims.map(({ releaseId }) => releaseId)
  let world = newRehearsal({ size: 10, faults: { readySeconds: 0 }, releaseIds }, now)
  while (now < from) {
    const seen = observeWorld(
      world,
      { wantsProbe: wantsProbe(execution, now), aboutToGo: podsAboutToGo(execution) },
      now,
    )
    const checks = execution.stage === 'checking' ? passed : null
    const observation = { kind: 'seen', ...seen, checks } as const
    const decision = decideExecution(execution, { kind: 'observed', observation, attempt: null }, now)
    if (decision.kind === 'rejected') throw new Error(decision.detail)
    execution = decision.state
    if (decision.act !== null) world = applyAct(world, decision.act.act, now)
    else now = Math.max(now + 1, decision.wake ?? now)
  }
  if (execution.status !== 'CANARY_MONITORING') throw new Error(`it came to ${execution.status}`)
  return { execution: { ...execution, version: 0 }, world, due: now }
}

const passed: CheckReport = {
  ...{ checks: [], warnings: [], refusal: null },
  change: { podsChange: true, others: [], surgeRoom: 10 },
}

function started(tenantId: string, now: number): Execution {
  return executionOf(tenantId, {
    ...{ status: 'VALIDATING', createdAt: now, startedAt: now, stageSince: now, claiming: true },
    target: { kind: 'rehearsal', faults: { readySeconds: 0 } },
    ...{ healthEndpoint: null, change: null, checks: [], warnings: [], overrides: [], approvals: [], transitions: [] },
    claims: [{ releaseId: randomUUID(), deployId: randomUUID(), undoId: randomUUID(), revision: 1, secretUid: null }],
    waitingFor: { reason: 'CHECKS', until: now },
  })
}

/** No registry and no releases: every path is valid. */
function rehearsing({ db }: Database): UpgradePorts {
  const none = async () => []
  const valid = async () => ({ valid: true, blockers: [], warnings: [], path: [] })
  const rehearsal = rehearsalFleet({ db, clock: systemClock })
  return {
    registry: { validatePath: valid },
    releases: { byIds: none },
    fleets: { rehearsal, workload: rehearsal, releases: rehearsal },
  } as unknown as UpgradePorts
}
