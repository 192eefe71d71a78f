import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Waiting } from '../../../src/core/decision.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Principal } from '../../../src/core/subject.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { createVault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import { answerRelease } from '../../../src/releases/commands/reads.ts'
import { releaseReads } from '../../../src/releases/commands/release-reads.ts'
import { sealedAs } from '../../../src/releases/store/sealed.ts'
import { recordHealth, recordWatch } from '../../../src/releases/store/sightings.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const vault = createVault([vaultKey(randomBytes(32))])
const clusterId = randomUUID()
const tenantId = randomUUID()
const admin: Principal = { id: 'a', name: 'a', role: 'platform-admin', tenants: 'all' }
const operator: Principal = { id: 'o', name: 'o', role: 'tenant-operator', tenants: [tenantId] }
const stranger: Principal = { id: 's', name: 's', role: 'tenant-operator', tenants: [randomUUID()] }

describe('reading one release', () => {
  let database: FreshDatabase
  /** As another process would: past everything that this one keeps. */
  const write = (text: string, values: readonly unknown[]) => database.pool.query(text, [...values])
  /** What executions wait for, by their ids. */
  let holding: readonly (readonly [string, Waiting])[] = []
  const charts = {
    redact: async (digest: string | null, values: JsonObject) =>
      digest === 'sha256:hides' ? { ...values, password: '***' } : values,
    secrets: async () => [],
  }
  const open = () => {
    const waits = async () => new Map(holding)
    const readOne = releaseReads({ db: database.db, vault, clock: systemClock, charts, executions: { waits } })
    const deps = { readOne } as Parameters<typeof answerRelease>[0]
    return async (id: string, by = admin) => JSON.parse((await answerRelease(deps, by, id)).text)
  }

  beforeAll(async () => {
    database = await freshDatabase({ max: 8 })
    await write("insert into clusters values ($1, 'c', 'c', now())", [clusterId])
    await write("insert into tenants values ($1, 't', $2, null, now())", [tenantId, clusterId])
  })
  afterAll(() => database.close())

  const insert = async (values: JsonObject = {}): Promise<string> => {
    const id = randomUUID()
    const sealed = vault.seal(values, sealedAs.releaseValues(id))
    await write(
      `insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, status, ever_deployed,
         revision, values_enc, leftovers, performed_by, seq, version, created_at, updated_at)
       values ($1, $2, $3, 'n', $5, 'c', '1.0.0', 'DEPLOYED', true, 1, $4, '[]', 'x', 0, 0, now(), now())`,
      [id, tenantId, clusterId, sealed, id],
    )
    return id
  }

  it('sees every commit before it, also one that counts no version up', async () => {
    const read = open()
    const id = await insert()
    expect(await read(id)).toMatchObject({ id, health: null, revision: 1 })
    for (let ready = 1; ready <= 50; ready++) {
      await write('update releases set health = $2 where id = $1', [id, { ready, total: 50, observedAt: 0 }])
      const answers = await Promise.all([read(id), read(id, operator), read(id)])
      expect(answers.map(({ health }) => health.ready)).toEqual([ready, ready, ready])
    }
  })

  it('says when its health was last observed, which is now as long as a watch that counted it sees nothing else', async () => {
    const read = open()
    const [watched, looked] = await Promise.all([insert(), insert()])
    const at = Date.parse('2026-01-02T03:04:05.000Z')
    const seen = { namespace: 'n', release: watched, health: { ready: 1, total: 2, workloads: 1 } }
    await recordHealth(database.db, clusterId, [seen], at)
    await write('update releases set health = $2 where id = $1', [looked, { ready: 1, total: 2, observedAt: at }])
    const observed = async () => {
      const answers = await Promise.all([open()(watched), open()(looked)])
      return answers.map(({ health }) => health.observedAt)
    }
    const first = new Date(at).toISOString()
    expect(await read(watched)).toMatchObject({ health: { ready: 1, total: 2, observedAt: first } })
    expect(await observed()).toEqual([first, first])
    await recordWatch(database.db, clusterId, at + 60_000)
    await recordWatch(database.db, clusterId, at + 30_000)
    expect(await observed()).toEqual([new Date(at + 60_000).toISOString(), first])
    await recordHealth(database.db, clusterId, [seen, { ...seen, release: looked }], at + 90_000)
    const later = new Date(at + 90_000).toISOString()
    expect(await observed()).toEqual([new Date(at + 60_000).toISOString(), later])
  })

  it('has no workloads where a watch has counted none, and that is observed as well', async () => {
    const [none, empty, gone] = await Promise.all([insert(), insert(), insert()])
    const at = Date.parse('2027-01-02T03:04:05.000Z')
    await write('update releases set health = $2 where id = $1', [empty, { ready: 0, total: 0, observedAt: 0 }])
    await write("update releases set status = 'UNINSTALLED' where id = $1", [gone])
    await recordWatch(database.db, clusterId, at)
    const health = { ready: 0, total: 0, observedAt: new Date(at).toISOString() }
    for (const id of [none, empty]) expect(await open()(id)).toMatchObject({ health })
    expect(await open()(gone)).toMatchObject({ health: null })
  })

  it('waits for what its execution waits for at the moment', async () => {
    const read = open()
    const [id, executionId] = [await insert(), randomUUID()]
    const waitingFor = { reason: 'UPGRADE_EXECUTION', until: null }
    await write('update releases set claimed_by_execution = $2, waiting_for = $3 where id = $1', [
      ...[id, executionId, waitingFor],
    ])
    expect((await read(id)).waitingFor).toMatchObject({ until: null, detail: expect.stringContaining(executionId) })
    for (const until of [1_000, 2_000]) {
      holding = [[executionId, { ...waitingFor, until, detail: 'it waits' }]]
      const at = new Date(until).toISOString()
      expect((await read(id)).waitingFor).toEqual({ ...waitingFor, until: at, detail: 'it waits' })
    }
    await write("update releases set waiting_for = 'null' where id = $1", [id])
    expect((await read(id)).waitingFor).toBeNull()
  })

  it('holds that while many read and write at once', async () => {
    const read = open()
    const ids = await Promise.all([insert(), insert(), insert()])
    const committed = new Map(ids.map((id) => [id, 1]))
    const writing = ids.map(async (id) => {
      for (let revision = 2; revision <= 60; revision++) {
        await write('update releases set revision = $2, version = version + 1 where id = $1', [id, revision])
        committed.set(id, revision)
      }
    })
    const reading = Array.from({ length: 12 }, async (_, reader) => {
      const id = ids[reader % ids.length] ?? ''
      for (let times = 0; times < 60; times++) {
        const before = committed.get(id)
        expect((await read(id)).revision).toBeGreaterThanOrEqual(before ?? 0)
      }
    })
    await Promise.all([...writing, ...reading])
  })

  it('hides what a chart of a new revision marks', async () => {
    const read = open()
    const id = await insert({ password: 'canary', size: 1 })
    expect((await read(id)).valuesOverride).toEqual({ password: 'canary', size: 1 })
    await database.pool.query(
      `with added as (insert into revisions values ('${id}', 2, 'u', null, 'DEPLOYED', 'c', '1.1.0', 'sha256:hides', null,
         '', '', null, 'x', now()))
       update releases set version = version + 1 where id = '${id}'`,
    )
    expect((await read(id)).valuesOverride).toEqual({ password: '***', size: 1 })
  })

  it('shows it to nobody who may not see its tenant, also when it is read for others at that moment', async () => {
    const read = open()
    const id = await insert()
    const [seen, refused, unknown] = await Promise.allSettled([
      read(id, operator),
      read(id, stranger),
      read(randomUUID(), operator),
    ])
    expect(seen).toMatchObject({ status: 'fulfilled', value: { id } })
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'not_found' } })
    expect(unknown).toMatchObject({ status: 'rejected', reason: { code: 'not_found' } })
  })

  it('fails for its own reader only where its values cannot be opened', async () => {
    const read = open()
    const [good, bad] = await Promise.all([insert(), insert()])
    await write("update releases set values_enc = 'x' where id = $1", [bad])
    const [one, other] = await Promise.allSettled([read(good), read(bad)])
    expect(one).toMatchObject({ status: 'fulfilled', value: { id: good } })
    expect(other).toMatchObject({ status: 'rejected', reason: { name: 'CannotOpen' } })
  })
})
