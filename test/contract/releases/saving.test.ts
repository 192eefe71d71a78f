import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { listEvents } from '../../../src/infra/events/events.ts'
import { createVault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import type { ReleaseState } from '../../../src/releases/core/model.ts'
import { rest } from '../../../src/releases/core/testing/states.ts'
import { ReleaseStates, StaleState } from '../../../src/releases/store/state.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const [clusterId, tenantId] = [randomUUID(), randomUUID()]
const states = new ReleaseStates(createVault([vaultKey(randomBytes(32))]))
let database: FreshDatabase

beforeAll(async () => {
  database = await freshDatabase({ max: 4 })
  await database.pool.query("insert into clusters values ($1, 'c', 'c', now())", [clusterId])
  await database.pool.query("insert into tenants values ($1, 't', $2, null, now())", [tenantId, clusterId])
})
afterAll(() => database.close())

async function stored(): Promise<ReleaseState> {
  const id = randomUUID()
  const state = { ...rest({ id, clusterId, tenantId, namespace: 'n', name: id }), operation: null }
  await transaction(database.db, (tx) => states.insert(tx, state))
  return read(id)
}

async function read(id: string): Promise<ReleaseState> {
  const state = await states.load(database.db, id)
  if (state === null) throw new Error(`no release ${id}`)
  return state
}

const events = ['one', 'two'].map((what) => ({ type: `release.${what}`, data: {} }))
const described = (state: ReleaseState, description: string): ReleaseState => ({
  ...state,
  release: { ...state.release, description },
})
const save = (before: ReleaseState, after: ReleaseState, told = events) =>
  transaction(database.db, (tx) => states.save(tx, { before, after, events: told }, Date.now()))
const toldOf = async ({ release: { id } }: ReleaseState) =>
  (await listEvents(database.db, { kind: 'release', id })).map(({ seq, type }) => `${seq} ${type}`)

test('a change is written with its events, which go on counting, and the next version', async () => {
  const before = await stored()
  await save(before, described(before, 'first'))
  const once = await read(before.release.id)
  expect(once.release).toMatchObject({ description: 'first', version: before.release.version + 1 })
  await save(once, described(once, 'second'), events.slice(0, 1))
  expect(await toldOf(once)).toEqual(['1 release.one', '2 release.two', '3 release.one'])
  expect((await read(once.release.id)).release).toMatchObject({ seq: 3n, description: 'second' })
})

test('a change without events is written too, and events without a change leave the version', async () => {
  const before = await stored()
  await save(before, described(before, 'quiet'), [])
  const quiet = await read(before.release.id)
  expect([quiet.release.description, await toldOf(quiet)]).toEqual(['quiet', []])
  await save(quiet, quiet)
  expect(await toldOf(quiet)).toEqual(['1 release.one', '2 release.two'])
  expect((await read(quiet.release.id)).release.version).toBe(quiet.release.version)
})

test('of a state that is another one by now neither the change nor its events are written', async () => {
  const before = await stored()
  await save(before, described(before, 'first'))
  await expect(save(before, described(before, 'late'))).rejects.toThrow(StaleState)
  expect((await read(before.release.id)).release.description).toBe('first')
  expect(await toldOf(before)).toEqual(['1 release.one', '2 release.two'])
})
