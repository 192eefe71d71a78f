import { type KyselyPlugin, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resealAll } from '../../../src/composition/reseal.ts'
import type { Json } from '../../../src/core/json.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import type { Db } from '../../../src/infra/database/types.ts'
import { createVault, sealHeader, type Vault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import { sealEvidence } from '../../../src/releases/evidence.ts'
import { evidenceOf } from '../../../src/releases/store/operations.ts'
import { sealedAs } from '../../../src/releases/store/sealed.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const oldKey = vaultKey(Buffer.alloc(32, 1))
const newKey = vaultKey(Buffer.alloc(32, 2))
const thirdKey = vaultKey(Buffer.alloc(32, 3))
const before = createVault([oldKey])
const after = createVault([newKey])

let database: FreshDatabase
let said: string[]
beforeEach(async () => {
  database = await freshDatabase()
  said = []
})
afterEach(() => database.close())

const log = {
  info: (fields: object, words: string) => said.push(`${words} ${JSON.stringify(fields)}`),
  warn: (fields: object, words: string) => said.push(`${words} ${String(fields)}`),
} as unknown as Parameters<typeof resealAll>[3]
const quick = { now: () => systemClock.now(), sleep: () => Promise.resolve() }
const run = (signal = new AbortController().signal, db: Db = database.db) =>
  resealAll(db, [newKey, oldKey], quick, log, signal)

/** The database, and what its statements bring of a table whose key is `id`: how many rows, how much that is sealed. */
function watched(): { readonly db: Db; readonly pages: number[]; readonly sealed: number[] } {
  const [pages, sealed]: [number[], number[]] = [[], []]
  const transformResult: KyselyPlugin['transformResult'] = async ({ result }) => {
    if (result.rows[0]?.id === undefined) return result
    pages.push(result.rows.length)
    sealed.push(...(bytesOf(result.rows) > 0 ? [bytesOf(result.rows)] : []))
    return result
  }
  return { db: database.db.withPlugin({ transformQuery: ({ node }) => node, transformResult }), pages, sealed }
}
const bytesOf = (rows: readonly object[]): number =>
  rows
    .flatMap((row) => Object.values(row))
    .filter((value) => typeof value === 'object' && value !== null)
    .reduce((sum, value) => sum + (Buffer.isBuffer(value) ? value.length : JSON.stringify(value).length), 0)

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** Webhooks and sources are the tables that stand alone: what is true of a column of bytes is seen on them. */
async function webhook(n: number, vault = before, text = `secret ${n}`): Promise<void> {
  const secret = vault.seal(text, `webhook-secret:${id(n)}`)
  await sql`insert into webhooks (id, url, types, secret_enc, created_by, created_at)
    values (${id(n)}, 'https://a.example', '{}', ${secret}, 'me', now())`.execute(database.db)
}
const secrets = async () =>
  (await sql<{ id: string; secret_enc: Buffer }>`select id, secret_enc from webhooks order by id`.execute(database.db))
    .rows

/** An attempt whose failure holds evidence, sealed as base64 in its document. */
const operation = id(77)
const attempt = (evidence: Json) =>
  sql`insert into attempts
  (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline, failure)
  values ('release', ${id(1)}, 1, ${JSON.stringify({ kind: 'upgrade', operationId: operation })}, '{}', 1, now(), now(),
    ${JSON.stringify({ code: 'helm_failed', evidence })})`.execute(database.db)

/** An operation with this as what was kept of its failure, and where it stands. */
const operations = (n: number, evidence: Buffer | null, state: Json = {}) =>
  sql`insert into operations (id, kind, request, state, status, evidence_enc, performed_by, principal_id, seq, version, created_at)
    values (${id(n)}, 'upgrade', '{}', ${JSON.stringify(state)}, 'FAILED', ${evidence}, 'me', 'me', 0, 0, now())`.execute(
    database.db,
  )
const kept = (n: number, vault: Vault, evidence: Json) => operations(n, vault.seal(evidence, sealedAs.evidence(id(n))))
const failing = (n: number, vault: Vault) =>
  operations(n, null, {
    phase: { name: 'failing', failure: { evidence: sealEvidence(vault, id(n), { helm: 'said' }) } },
  })

test('everything is sealed anew, page by page, and opens with the new key alone', async () => {
  for (let n = 0; n < 450; n++) await webhook(n)
  await webhook(450, after)
  await run()
  const rows = await secrets()
  expect(rows).toHaveLength(451)
  for (const [n, row] of rows.entries())
    expect(after.open(row.secret_enc, `webhook-secret:${row.id}`)).toBe(`secret ${n}`)
  expect(said).toEqual([
    expect.stringContaining('"renewed":450'),
    expect.stringMatching(/no longer needed \{"unreadable":0\}/),
  ])
})

test('within documents, of answers to repeated requests, and of sources', async () => {
  const sealedAnswer = before.seal({ body: 'kept' }, 'idempotency:me POST /x k').toString('base64')
  await sql`insert into idempotency (principal, method, path, key, body_hash, claim, locked_until, response, created_at, expires_at)
    values ('me', 'POST', '/x', 'k', 'x', ${id(9)}, now(), ${JSON.stringify({ answer: sealedAnswer, tenants: [] })}, now(), now())`.execute(
    database.db,
  )
  await attempt({ sealed: before.seal({ pods: ['why'] }, sealedAs.evidence(operation)).toString('base64') })
  const credentials = before.seal({ kind: 'bearer', token: 't' }, 'chart-source-credentials')
  await sql`insert into chart_sources (id, name, type, url, priority, credentials_enc, created_at)
    values (${id(1)}, 'a', 'http', 'https://a.example', 1, ${credentials}, now())`.execute(database.db)
  await run()
  const { rows } = await sql<{ answer: string; evidence: string; credentials: Buffer }>`select
    (select response ->> 'answer' from idempotency) as answer,
    (select failure -> 'evidence' ->> 'sealed' from attempts) as evidence,
    (select credentials_enc from chart_sources) as credentials`.execute(database.db)
  const [row] = rows
  expect(after.open(Buffer.from(row?.answer ?? '', 'base64'), 'idempotency:me POST /x k')).toEqual({ body: 'kept' })
  expect(after.open(Buffer.from(row?.evidence ?? '', 'base64'), sealedAs.evidence(operation))).toEqual({
    pods: ['why'],
  })
  expect(after.open(row?.credentials ?? Buffer.alloc(0), 'chart-source-credentials')).toMatchObject({ token: 't' })
})

test('within evidence, whichever key sealed the outside', async () => {
  const shown = { helm: 'said', conflicts: [], pods: null }
  await kept(1, after, sealEvidence(before, id(1), shown))
  await kept(2, before, sealEvidence(before, id(2), shown))
  await kept(3, before, sealEvidence(after, id(3), shown))
  await kept(4, before, { ...shown, pods: [{ sealed: 'a word of the tenant' }] })
  await kept(5, after, sealEvidence(createVault([thirdKey]), id(5), shown))
  await run()
  for (const n of [1, 2, 3]) expect(await evidenceOf(database.db, after, id(n))).toEqual(shown)
  expect(await evidenceOf(database.db, after, id(4))).toMatchObject({ pods: [{ sealed: 'a word of the tenant' }] })
  expect(said).toEqual([
    expect.stringContaining('{"renewed":4,"unreadable":1}'),
    expect.stringContaining('no longer needed {"unreadable":1}'),
  ])
})

test('no statement brings more than one that is sealed, and none of what the present key has sealed', async () => {
  const size = 100_000
  for (let n = 0; n < 12; n++) await webhook(n, before, 'x'.repeat(size))
  const first = watched()
  await run(undefined, first.db)
  expect(first.sealed).toHaveLength(12)
  expect(Math.max(...first.sealed)).toBeLessThan(1.1 * size)
  const second = watched()
  await run(undefined, second.db)
  expect(second.pages).toEqual([12])
  expect(second.sealed).toEqual([])
})

test('no statement looks at more than a page, however little in it is sealed', async () => {
  for (let n = 0; n < 450; n++) await operations(n, null)
  const { db, pages } = watched()
  await run(undefined, db)
  // Of their values, their evidence and where they stand.
  expect(pages).toEqual([1, 2, 3].flatMap(() => [200, 200, 50]))
})

test('in documents only what another key has sealed is brought, whatever follows its name', async () => {
  for (let n = 0; n < 64; n++) await failing(n, n % 2 === 0 ? before : after)
  await operations(64, null, { phase: { failure: { evidence: { sealed: ['not a text'] } } } })
  const { db, sealed } = watched()
  await run(undefined, db)
  expect(sealed).toHaveLength(32)
  const { rows } = await sql<{ id: string; sealed: string }>`select id,
    state -> 'phase' -> 'failure' -> 'evidence' ->> 'sealed' as sealed from operations order by id limit 64`.execute(
    database.db,
  )
  for (const row of rows)
    expect(after.open(Buffer.from(row.sealed, 'base64'), sealedAs.evidence(row.id))).toEqual({ helm: 'said' })
})

test('what neither key opens stays as it is, is counted, and keeps nothing else from being done', async () => {
  await webhook(1, createVault([thirdKey]))
  await webhook(2)
  await run()
  const [foreign, own] = await secrets()
  expect(foreign?.secret_enc.subarray(0, 5)).toEqual(sealHeader(thirdKey))
  expect(own?.secret_enc.subarray(0, 5)).toEqual(sealHeader(newKey))
  expect(said.join('\n')).toContain('no longer needed {"unreadable":1}')
  expect(said.join('\n')).not.toContain('secret 2')
})

test('a database error while it settles is told, and tried again after a pause', async () => {
  await sql`create function refused() returns trigger language plpgsql as $$ begin raise 'refused'; end $$`.execute(
    database.db,
  )
  await sql`create trigger refused before insert on installation execute function refused()`.execute(database.db)
  let pauses = 0
  const healing = {
    ...quick,
    sleep: async () => {
      pauses++
      await sql`drop trigger if exists refused on installation`.execute(database.db)
    },
  }
  await resealAll(database.db, [newKey, oldKey], healing, log, new AbortController().signal)
  expect(pauses).toBe(1)
  expect(said).toEqual([
    expect.stringContaining('sealing anew goes on later'),
    expect.stringContaining('no longer needed {"unreadable":0}'),
  ])
})

test('one that is told to stop has said nothing, and the next goes on', async () => {
  await webhook(1)
  await run(AbortSignal.abort())
  expect(said).toEqual([])
  await run()
  expect((await secrets())[0]?.secret_enc.subarray(0, 5)).toEqual(sealHeader(newKey))
})
