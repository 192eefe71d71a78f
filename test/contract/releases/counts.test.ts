import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Db, Tx } from '../../../src/infra/database/types.ts'
import { createVault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import { type Release, type ReleaseState, releaseStatuses } from '../../../src/releases/core/model.ts'
import { rest } from '../../../src/releases/core/testing/states.ts'
import { condenseCounts, summarize, versionsOf } from '../../../src/releases/store/counts.ts'
import { countAtVersions, countReleases } from '../../../src/releases/store/lists.ts'
import type { Scope } from '../../../src/releases/store/scope.ts'
import { ReleaseStates } from '../../../src/releases/store/state.ts'
import { Chance } from '../../support/chance.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const clusterId = randomUUID()
const [first, second] = [randomUUID(), randomUUID()]
const tenants: readonly [Uuid, ...Uuid[]] = [first, second, randomUUID(), randomUUID()]
const scopes: readonly Scope[] = ['all', [first], [first, second], []]
const charts = ['web', 'api'] as const
const versions = ['1.0.0', '1.1.0', '2.0.0-rc.1'] as const
const states = new ReleaseStates(createVault([vaultKey(randomBytes(32))]))
let database: FreshDatabase

beforeAll(async () => {
  database = await freshDatabase({ max: 8 })
  await database.pool.query("insert into clusters values ($1, 'c', 'c', now())", [clusterId])
  for (const tenant of tenants)
    await database.pool.query("insert into tenants values ($1, 't', $2, null, now())", [tenant, clusterId])
})
afterAll(() => database.close())

const seed = Number(process.env.FLOTILLA_SEED ?? 1)

function drawn(chance: Chance): Partial<Release> {
  const status = chance.pick(releaseStatuses)
  const shown = chance.pick(['PENDING_UPGRADE', 'PENDING_ROLLBACK'] as const)
  return {
    ...{
      status,
      chart: chance.pick(charts),
      chartVersion: chance.pick(versions),
      everDeployed: chance.between(1, 4) > 1,
    },
    claim: chance.between(1, 5) > 1 ? null : { executionId: randomUUID(), shown, revision: 1, target: null },
  }
}

function newState(chance: Chance): ReleaseState {
  const id = randomUUID()
  const { operation, ...state } = rest({ id, clusterId, tenantId: chance.pick(tenants), namespace: 'n', name: id })
  return { ...state, operation: null, release: { ...state.release, ...drawn(chance) } }
}

/** Thrown in the middle of a transaction, as a lost connection would be. */
class Lost extends Error {}

/** One writer: new releases and changes of its own, of which every fifth is lost before its commit. */
async function write(chance: Chance, changes: number): Promise<void> {
  const mine: ReleaseState[] = []
  for (let n = 0; n < changes; n++) {
    const at = chance.between(0, Math.max(15, mine.length))
    const before = mine[at]
    const after =
      before === undefined ? newState(chance) : { ...before, release: { ...before.release, ...drawn(chance) } }
    const isLost = chance.between(1, 5) === 1
    const saved = transaction(database.db, async (tx) => {
      await (before === undefined
        ? states.insert(tx, after)
        : states.save(tx, { before, after, events: [] }, Date.now()))
      if (isLost) throw new Lost()
    })
    if (isLost) await expect(saved).rejects.toThrow(Lost)
    else mine[before === undefined ? mine.length : at] = await saved.then(() => next(before, after))
  }
}

/** As it is loaded again: each save counts its version up. */
function next(before: ReleaseState | undefined, after: ReleaseState): ReleaseState {
  const version = before === undefined ? after.release.version : before.release.version + 1
  return { ...after, release: { ...after.release, version } }
}

type Row = Pick<Release, 'chart' | 'status'> & {
  readonly tenant_id: Uuid
  readonly chart_version: string
  readonly ever_deployed: boolean
}

/** Everything that is told by counters, of one moment. */
async function told(db: Db | Tx, scope: Scope) {
  const wanted = { chart: 'web', versions: versions.slice(0, 2) }
  return {
    summary: await summarize(db, scope),
    versions: await versionsOf(db, scope, 'web'),
    all: await countReleases(db, scope, {}),
    uninstalled: await countReleases(db, scope, { status: 'UNINSTALLED', chart: 'api' }),
    failed: await countReleases(db, scope, { status: 'FAILED', tenantId: first }),
    ofVersion: await countReleases(db, scope, { chart: 'web', chartVersion: '1.1.0' }),
    older: await countAtVersions(db, scope, wanted),
  }
}

/** The same, counted one by one. */
async function recounted(db: Db | Tx, scope: Scope): Promise<Awaited<ReturnType<typeof told>>> {
  const { rows: all } = await sql<Row>`select * from releases`.execute(db)
  const rows = all.filter(({ tenant_id }) => scope === 'all' || scope.includes(tenant_id))
  const isThere = ({ status }: Row) => status !== 'UNINSTALLED'
  const isCounted = (row: Row) => isThere(row) && row.ever_deployed
  const count = (isWanted: (row: Row) => boolean) => rows.filter(isWanted).length
  const by = (names: readonly string[], nameOf: (row: Row) => string, isWanted: (row: Row) => boolean) =>
    Object.fromEntries(names.map((name) => [name, count((row) => nameOf(row) === name && isWanted(row))]))
  const some = (counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0))
  return {
    summary: {
      total: count(isCounted),
      byStatus: by(
        releaseStatuses,
        ({ status }) => status,
        () => true,
      ) as Record<Release['status'], number>,
      byChart: some(by(charts, ({ chart }) => chart, isCounted)),
    },
    versions: some(
      by(
        versions,
        (row) => row.chart_version,
        (row) => row.chart === 'web' && isCounted(row),
      ),
    ),
    all: count(isThere),
    uninstalled: count((row) => !isThere(row) && row.chart === 'api'),
    failed: count((row) => row.status === 'FAILED' && row.tenant_id === first),
    ofVersion: count((row) => isThere(row) && row.chart === 'web' && row.chart_version === '1.1.0'),
    older: count((row) => isCounted(row) && row.chart === 'web' && row.chart_version < '2'),
  }
}

/** Of one snapshot, whatever is being written. */
const compare = () =>
  database.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      for (const scope of scopes) expect(await told(tx, scope), `seed ${seed}`).toEqual(await recounted(tx, scope))
    })

test('what the counters tell is at every moment what a plain recount finds, whoever writes, loses and condenses', async () => {
  let writing = true
  const writers = Array.from({ length: 4 }, (_, n) => write(new Chance(seed * 100 + n), 60))
  const beside = async (work: () => Promise<unknown>) => {
    while (writing) await work()
  }
  const others = [beside(compare), beside(() => condenseCounts(database.db)), beside(() => condenseCounts(database.db))]
  await Promise.all(writers).finally(() => {
    writing = false
  })
  await Promise.all(others)
  await compare()
  await condenseCounts(database.db)
  await compare()
  const { rows } = await sql<{ most: number }>`select max(n) as most from (
    select count(*) as n from fleet_counts group by chart, chart_version, status, ever_deployed) as each`.execute(
    database.db,
  )
  expect(rows[0]?.most).toBe(1)
})
