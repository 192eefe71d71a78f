import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { HelmRecord } from '../../../src/infra/kubernetes/helmwatch.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { createVault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import { adoptedRelease } from '../../../src/releases/core/create.ts'
import type { HelmRevision } from '../../../src/releases/core/model.ts'
import type { ReleaseDeps } from '../../../src/releases/deps.ts'
import { ReleaseStates } from '../../../src/releases/store/state.ts'
import { ClusterFollower, type RecordSource } from '../../../src/releases/watch/follow-cluster.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { insertPlace } from './world.ts'

// The worker of the release is this test: it decides when the release has been looked at. The clock stands where the test
// puts it, so that nothing is compared only because time has passed.

let database: FreshDatabase
let follower: ClusterFollower
let running: Promise<void>
let stop: AbortController
let turn: () => Promise<void>
let id: Uuid
let newest: HelmRecord
/** The namespaces of records that were taken for those of nobody. */
let askedFor: string[]
let now: number
/** How often the record was looked for by its name. */
let comparisons: number

beforeEach(async () => {
  database = await freshDatabase()
  askedFor = []
  now = 0
  comparisons = 0
  stop = new AbortController()
  const { db } = database
  const place = await insertPlace(db)
  id = randomUUID()
  newest = recordOf('u1')
  const states = new ReleaseStates(createVault([vaultKey(randomBytes(32))]))
  const release = adoptedRelease({ ...place, id, namespace: 'ns', name: 'web' }, [first], 0, [])
  await transaction(db, (tx) => states.insert(tx, release))
  const turns = stepped(stop.signal)
  turn = turns.next
  const ownerOf = async (_: unknown, __: Uuid, namespace: string) => {
    askedFor.push(namespace)
    return null
  }
  const deps = { db, clock: { now: () => now, sleep: turns.sleep }, ports: { tenants: { ownerOf } } }
  follower = new ClusterFollower(deps as unknown as ReleaseDeps, place.clusterId, silentLog)
  running = follower.run(source, stop.signal)
})
afterEach(async () => {
  stop.abort()
  await running
  await database.close()
})

const source: RecordSource = {
  synced: true,
  all: () => [newest],
  current: () => {
    comparisons += 1
    return newest
  },
  beneath: () => [],
}

const first: HelmRevision = {
  ...{ revision: 1, secretUid: 'u1', resourceVersion: '1', status: 'deployed', operationId: null, attempt: null },
  ...{ description: '', chart: 'plain', chartVersion: '1.0.0', appVersion: null, values: {}, manifest: '' },
  ...{ hooks: '', deployedAt: 0, chartDigest: null },
}

function recordOf(uid: string): HelmRecord {
  return { namespace: 'ns', release: 'web', revision: 1, uid, resourceVersion: '1', status: 'deployed', labels: {} }
}

/** A clock whose sleepers go on one turn at a time; `next` ends when the turn has been taken. */
function stepped(signal: AbortSignal) {
  let asleep = Promise.withResolvers<() => void>()
  const sleep = () =>
    new Promise<void>((resolve) => {
      asleep.resolve(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  const next = async () => {
    const goOn = await asleep.promise
    asleep = Promise.withResolvers()
    goOn()
    await asleep.promise
  }
  return { sleep, next }
}

const wakes = async () => {
  const { rows } = await sql<{ wanted: string }>`select wanted from work where subject_id = ${id}`.execute(database.db)
  return Number(rows[0]?.wanted ?? 0)
}

test('what was installed by hand under the name of a release is taken in as soon as that one is gone, without another word', async () => {
  await turn()
  newest = recordOf('u2')
  follower.touch('ns', 'web')
  await turn()
  expect(await wakes()).toBe(1)
  await turn()
  expect([await wakes(), askedFor]).toEqual([1, []])
  await sql`update releases set status = 'UNINSTALLED' where id = ${id}`.execute(database.db)
  await turn()
  expect(askedFor).toEqual(['ns'])
})

test('a further write wakes a release that has not looked yet', async () => {
  await turn()
  newest = recordOf('u2')
  follower.touch('ns', 'web')
  await turn()
  follower.touch('ns', 'web')
  await turn()
  expect(await wakes()).toBe(2)
})

test('a release that does not look is compared by itself for a few seconds, then with all others, and anew when it is written', async () => {
  await turn()
  newest = recordOf('u2')
  follower.touch('ns', 'web')
  await turn()
  now = 4_000
  await turn()
  expect(comparisons).toBe(2)
  now = 6_000
  for (let turns = 0; turns < 5; turns++) await turn()
  expect([comparisons, await wakes()]).toEqual([2, 1])

  now = 15_000
  await turn()
  expect(await wakes()).toBe(2)
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(comparisons).toBe(2)

  follower.touch('ns', 'web')
  await turn()
  await turn()
  expect([comparisons, await wakes()]).toEqual([4, 3])
})

test('a release whose worker is at it is compared at a pace of seconds, and woken when it is not any more', async () => {
  const operate = (operation: Uuid | null) =>
    sql`update releases set current_operation_id = ${operation} where id = ${id}`.execute(database.db)
  await turn()
  await operate(randomUUID())
  newest = recordOf('u2')
  follower.touch('ns', 'web')
  for (let turns = 0; turns < 5; turns++) await turn()
  expect([comparisons, await wakes()]).toEqual([1, 0])
  now = 2_000
  for (let turns = 0; turns < 5; turns++) await turn()
  expect([comparisons, await wakes()]).toEqual([2, 0])
  await operate(null)
  await turn()
  expect([comparisons, await wakes()]).toEqual([2, 0])
  now = 4_000
  await turn()
  expect([comparisons, await wakes()]).toEqual([3, 1])
})
