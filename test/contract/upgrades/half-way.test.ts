import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Execution } from '../../../src/upgrades/core/model.ts'
import { insertExecution } from '../../../src/upgrades/store/executions.ts'
import { endedHalfWay } from '../../../src/upgrades/store/queries.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { executionOf, insertTenant } from './given.ts'

let database: FreshDatabase
let tenantId: string
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  tenantId = await insertTenant(database.db)
})

const componentId = randomUUID()
const [one, other, third] = [randomUUID(), randomUUID(), randomUUID()]
const versionOf = (version: string) => ({ id: randomUUID(), version, chartVersion: version })
const [from, to, later] = [versionOf('1.0.0'), versionOf('1.1.0'), versionOf('1.2.0')]
const over = (...releaseIds: readonly string[]) => ({ kind: 'releases', releaseIds }) as const

let made = 0
/** Given one that was cancelled after it had deployed, over two releases; each is newer than the one before. */
async function ended(more: Partial<Execution> = {}): Promise<void> {
  made += 1
  const at = Date.parse('2026-02-03T04:05:06Z') + made * 1000
  const left = { status: 'CANCELLED', deployed: true, createdAt: at, endedAt: at, target: over(one, other) } as const
  const execution = executionOf(tenantId, { componentId, from, to, ...left, ...more })
  await transaction(database.db, (tx) => insertExecution(tx, execution))
}

const isLeft = (...releaseIds: readonly string[]) =>
  endedHalfWay(database.db, { tenantId, componentId, from, to, releaseIds })

test('releases that an execution has left are half-way, also some of them, in either direction', async () => {
  expect(await isLeft(one, other)).toBe(false)
  await ended()
  expect([await isLeft(one, other), await isLeft(other)]).toEqual([true, true])
  await ended({ from: to, to: from, status: 'FAILED' })
  expect(await isLeft(one, other)).toBe(true)
})

test.each([
  ['cancelled before it was started', { deployed: false }],
  ['failed on its checks', { deployed: false, status: 'FAILED' }],
  ['was over other releases', { target: over(other, third) }],
  ['was over fewer releases', { target: over(one) }],
  ['went back', { status: 'ROLLED_BACK' }],
  ['went another way', { to: later }],
] as const)('they are not where the one before %s', async (_, more) => {
  await ended(more)
  expect(await isLeft(one, other)).toBe(false)
})

test('one that moved nothing does not hide what the one before has left, one that moved does', async () => {
  await ended()
  await ended({ deployed: false, to: later })
  expect(await isLeft(one, other)).toBe(true)
  await ended({ status: 'COMPLETED' })
  expect(await isLeft(one, other)).toBe(false)
})
