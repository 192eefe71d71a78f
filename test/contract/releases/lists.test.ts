import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import { releaseStatuses } from '../../../src/releases/core/model.ts'
import {
  countAtVersions,
  countReleases,
  listAtVersions,
  listReleases,
  placeOfRelease,
  type ReleaseFilter,
  type ReleaseListing,
  type ReleaseOrder,
  releaseOrders,
  releasesAtVersions,
} from '../../../src/releases/store/lists.ts'
import type { Scope } from '../../../src/releases/store/scope.ts'
import { Chance } from '../../support/chance.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const clusterId = randomUUID()
const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
const scopes: readonly Scope[] = ['all', [first], [first, second], []]
const long = Date.now() - 600_000
const chance = new Chance(7)
let database: FreshDatabase

type Row = {
  readonly id: Uuid
  readonly tenant: Uuid
  readonly namespace: string
  readonly name: string
  readonly chart: string
  readonly version: string
  readonly status: string
  readonly deployed: boolean
  readonly pendingBy: string | null
  readonly frozen: object | null
  readonly claim: Uuid | null
  readonly operation: Uuid | null
  readonly health: { readonly ready: number; readonly workloads: number; readonly observedAt: number } | null
  /** Several at one moment: the id then decides. */
  readonly at: number
}

const rarely = <T>(value: T): T | null => (chance.between(1, 8) === 1 ? value : null)

function drawn(n: number): Row {
  const chart = chance.pick(['web', 'api'])
  return {
    id: randomUUID(),
    tenant: chance.pick([first, second, third]),
    namespace: chance.pick(['Team_a', 'team%b', 'teamXa']),
    name: `${chance.pick(['web', 'API'])}-${n % 17}-${n}`,
    chart,
    version: chance.pick(['1.0.0', '1.1.0', '2.0.0']),
    status: chance.pick(['DEPLOYED', 'DEPLOYED', 'DEPLOYED', ...releaseStatuses]),
    deployed: chance.between(1, 4) > 1,
    pendingBy: rarely('external'),
    frozen: rarely({ executionId: randomUUID(), versions: {} }),
    claim: rarely(randomUUID()),
    operation: rarely(randomUUID()),
    health: chance.pick([
      null,
      { ready: 1, workloads: 1, observedAt: long },
      { ready: 2, workloads: 1, observedAt: long },
      { ready: 1, workloads: 1, observedAt: Date.now() },
      { ready: 2, workloads: 0, observedAt: long },
    ]),
    at: 1_700_000_000_000 + 1000 * chance.between(1, 60),
  }
}

const rows = Array.from({ length: 240 }, (_, n) => drawn(n))

beforeAll(async () => {
  database = await freshDatabase()
  const write = (text: string, values: readonly unknown[]) => database.pool.query(text, [...values])
  await write("insert into clusters values ($1, 'c', 'c', now())", [clusterId])
  for (const id of [first, second, third])
    await write("insert into tenants values ($1, 't', $2, null, now())", [id, clusterId])
  for (const row of rows)
    await write(
      `insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, status, ever_deployed,
         revision, values_enc, leftovers, performed_by, seq, version, created_at, updated_at, pending_by, frozen,
         claimed_by_execution, current_operation_id, health)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, '', '[]', 'x', 0, 0, $10, now(), $11, $12, $13, $14, $15)`,
      [
        ...[row.id, row.tenant, clusterId, row.namespace, row.name, row.chart, row.version, row.status, row.deployed],
        ...[new Date(row.at), row.pendingBy, JSON.stringify(row.frozen), row.claim, row.operation],
        row.health && { total: 2, watched: true, ...row.health },
      ],
    )
  await write(
    `insert into tenant_counts select tenant_id, chart, chart_version, status, ever_deployed, count(*)
     from releases group by 1, 2, 3, 4, 5`,
    [],
  )
  await write('insert into fleet_counts select chart, chart_version, status, ever_deployed, n from tenant_counts', [])
})
afterAll(() => database.close())

const holds = (q: string, ...words: readonly string[]) => words.join(' ').toLowerCase().includes(q.toLowerCase())

function needsPerson({ status, pendingBy, claim, frozen, operation, health }: Row): boolean {
  if (status === 'FAILED' || pendingBy !== null) return true
  if (claim !== null) return false
  if (frozen !== null) return true
  if (status !== 'DEPLOYED' || operation !== null || health === null) return false
  return health.workloads === 0 || (health.ready < 2 && health.observedAt === long)
}

function isWanted(row: Row, scope: Scope, filter: ReleaseFilter): boolean {
  const { status, chart, chartVersion, tenantId, namespace, q, attention } = filter
  return (
    (scope === 'all' || scope.includes(row.tenant)) &&
    (status === undefined ? row.status !== 'UNINSTALLED' : row.status === status) &&
    row.chart === (chart ?? row.chart) &&
    row.version === (chartVersion ?? row.version) &&
    row.tenant === (tenantId ?? row.tenant) &&
    row.namespace === (namespace ?? row.namespace) &&
    (q === undefined || holds(q, row.name, row.namespace, row.chart)) &&
    (attention !== true || needsPerson(row))
  )
}

const compare = (a: string | number, b: string | number) => (a < b ? -1 : Number(a > b))

function inOrder(found: readonly Row[], order: ReleaseOrder): readonly Uuid[] {
  const sign = order.startsWith('-') ? -1 : 1
  const key = order.endsWith('releaseName') ? ({ name }: Row) => name : ({ at }: Row) => at
  const sorted = [...found].sort((a, b) => sign * (compare(key(a), key(b)) || compare(a.id, b.id)))
  return sorted.map(({ id }) => id)
}

type Place = ReturnType<typeof placeOfRelease>

/** The ids of all pages, each read from where the one before it ends. */
async function paged(order: ReleaseOrder, read: (after: Place | null) => Promise<readonly ReleaseListing[]>) {
  const ids: Uuid[] = []
  for (let after: Place | null = null; ; ) {
    const page: readonly ReleaseListing[] = await read(after)
    ids.push(...page.map(({ id }) => id))
    const last = page.at(-1)
    if (last === undefined) return ids
    after = placeOfRelease(order, last)
  }
}

const limit = 37
const filters: readonly ReleaseFilter[] = [
  {},
  ...releaseStatuses.map((status) => ({ status })),
  { chart: 'web' },
  { chart: 'web', chartVersion: '1.1.0' },
  { chartVersion: '2.0.0' },
  { chart: 'none' },
  { chart: 'api', status: 'FAILED' },
  { chart: 'api', tenantId: first },
  { tenantId: third, status: 'UNINSTALLED' },
  { namespace: 'Team_a' },
  { namespace: 'team%b', status: 'UNINSTALLED' },
  { q: 'team_A' },
  { q: 'm%' },
  { q: 'we' },
  { q: 'WEB-3' },
  { q: '\\' },
  { q: 'a api' },
  { attention: true },
  { attention: true, status: 'DEPLOYED' },
  { attention: true, status: 'UNINSTALLED' },
  { attention: true, chart: 'web', q: 'api-1' },
  { attention: false, chart: 'web' },
]

describe.each(filters.map((filter) => [JSON.stringify(filter), filter] as const))('the list of %s', (_, filter) => {
  test('has what a look at every release finds, in each order, page by page, and its count', async () => {
    for (const scope of scopes) {
      const wanted = rows.filter((row) => isWanted(row, scope, filter))
      expect(await countReleases(database.db, scope, filter)).toBe(wanted.length)
      for (const order of releaseOrders) {
        const read = (after: Place | null) => listReleases(database.db, scope, filter, { after, limit, order })
        expect(await paged(order, read), `${String(scope)} ${order}`).toEqual(inOrder(wanted, order))
      }
    }
  })
})

describe.each([undefined, 'web-1', 'EAM_A', 'api'])('the releases of a chart at some versions, narrowed by %s', (q) => {
  test('are those that were deployed, in each order, page by page, and their count', async () => {
    const at = { chart: 'api', versions: ['1.0.0', '2.0.0'], q }
    for (const scope of scopes) {
      const wanted = rows
        .filter((row) => isWanted(row, scope, { chart: 'api' }) && row.deployed && row.version !== '1.1.0')
        .filter((row) => q === undefined || holds(q, row.name, row.namespace))
      expect(await countAtVersions(database.db, scope, at)).toBe(wanted.length)
      const all = await releasesAtVersions(database.db, scope, at)
      expect(all.map(({ id }) => id)).toEqual(inOrder(wanted, 'createdAt'))
      for (const order of releaseOrders) {
        const read = (after: Place | null) => listAtVersions(database.db, scope, at, { after, limit, order })
        expect(await paged(order, read), `${String(scope)} ${order}`).toEqual(inOrder(wanted, order))
      }
    }
  })
})
