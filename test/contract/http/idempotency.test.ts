import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Problem } from '../../../src/core/problems.ts'
import { IdempotencyKeys } from '../../../src/infra/http/idempotency/store.ts'
import { type Call, type Route, route } from '../../../src/infra/http/route.ts'
import { accepted } from '../../../src/infra/http/waiting.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { appOf, as, principal, testVault } from '../../support/http-app.ts'

let database: FreshDatabase
let app: FastifyInstance
/** What the handler does, and how often it ran. */
let work: (call: Call) => Promise<unknown>
let runs: number

const command: Route = route({
  method: 'POST',
  url: '/api/v1/command',
  operationId: 'command',
  tags: ['test'],
  summary: 'A command',
  permission: { scope: 'platform', action: 'release.install' },
  schema: {
    body: z.strictObject({ n: z.int() }),
    responses: {
      201: { description: 'Done', schema: z.unknown() },
      202: { description: 'Accepted', schema: z.unknown() },
    },
  },
  handler: async (call) => {
    runs++
    return (await work(call)) as never
  },
})

beforeEach(async () => {
  database = await freshDatabase()
  runs = 0
  work = async ({ reply }) => {
    reply.code(201).header('location', '/made')
    return { secret: randomUUID() }
  }
  app = appOf({ db: database.db, routes: [[command]] })
})
afterEach(async () => {
  await app.close()
  await database.close()
})

const send = (key: string, n = 1, token = 'admin') =>
  app.inject({
    method: 'POST',
    url: '/api/v1/command',
    headers: as(token, { 'idempotency-key': key }),
    payload: { n },
  })

const tx = <T>(body: (tx: Parameters<Call['idempotency']['bind']>[0]) => Promise<T>) =>
  database.db.transaction().execute(body)

test('the same request answers the first outcome, headers too', async () => {
  const first = await send('k')
  const again = await send('k')
  expect([again.statusCode, again.body, again.headers.location]).toEqual([201, first.body, '/made'])
  expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
  expect(runs).toBe(1)
})

test('what is kept of an answer does not lie readable in the database', async () => {
  work = async ({ reply }) => {
    reply.code(201).header('location', '/CANARY')
    return { values: { greeting: 'CANARY' } }
  }
  const first = await send('k')
  const { rows } = await sql<{ all: string }>`select (select json_agg(i) from idempotency i)::text as all`.execute(
    database.db,
  )
  expect(rows[0]?.all).toContain('answer')
  expect(rows[0]?.all).not.toContain('CANARY')
  expect((await send('k')).body).toBe(first.body)
})

test('of many at once one runs, and all answer its outcome', async () => {
  const began = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  const plain = work
  work = async (call) => {
    began.resolve()
    await mayEnd.promise
    return plain(call)
  }
  const all = Array.from({ length: 8 }, () => send('k'))
  await began.promise
  mayEnd.resolve()
  const answers = await Promise.all(all)
  expect(new Set(answers.map((answer) => answer.body)).size).toBe(1)
  expect(runs).toBe(1)
})

test('another body under the key is 422, another caller has keys of its own', async () => {
  await send('k')
  expect((await send('k', 2)).json()).toMatchObject({ status: 422, code: 'idempotency_mismatch' })
  expect((await send('k', 1, 'operator')).statusCode).toBe(201)
  expect(runs).toBe(2)
})

test('a refusal is an outcome, a fault is none', async () => {
  work = async () => {
    throw new Problem('wrong_status', 'Not now')
  }
  const first = await send('refused')
  expect((await send('refused')).json()).toEqual(first.json())
  expect(runs).toBe(1)
  work = async () => {
    throw new Error('a fault')
  }
  expect((await send('fault')).statusCode).toBe(500)
  work = async ({ reply }) => {
    reply.code(201)
    return {}
  }
  expect((await send('fault')).statusCode).toBe(201)
})

test('a replay of what nobody was answered finds the operation that was accepted', async () => {
  const operationId = randomUUID()
  work = async (call) => {
    await tx((inside) => call.idempotency.bind(inside, operationId))
    throw new Problem('unavailable', 'the server is stopping')
  }
  expect((await send('k')).statusCode).toBe(503)
  const again = await send('k')
  expect([again.statusCode, again.headers.location]).toEqual([202, `/api/v1/operations/${operationId}`])
})

test('that an operation was accepted is no outcome of it', async () => {
  const operationId = randomUUID()
  work = async (call) => {
    await tx((inside) => call.idempotency.bind(inside, operationId))
    return accepted(call, operationId)
  }
  await send('k')
  const { rows } = await sql<{ response: unknown }>`select response from idempotency`.execute(database.db)
  expect(rows).toEqual([{ response: null }])
})

test('nor is an answer of which the request says so: what was bound is looked for again', async () => {
  const operationId = randomUUID()
  work = async (call) => {
    await tx((inside) => call.idempotency.bind(inside, operationId))
    call.idempotency.keepNone()
    call.reply.code(202)
    return { status: 'IN_PROGRESS' }
  }
  expect((await send('k')).json()).toEqual({ status: 'IN_PROGRESS' })
  const again = await send('k')
  expect([again.headers.location, runs]).toEqual([`/api/v1/operations/${operationId}`, 1])
})

test('a 202 that tells what it came to is one', async () => {
  work = async (call) => {
    await tx((inside) => call.idempotency.bind(inside, randomUUID()))
    call.reply.code(202)
    return { status: 'FAILED' }
  }
  await send('k')
  const again = await send('k')
  expect([again.statusCode, again.json(), runs]).toEqual([202, { status: 'FAILED' }, 1])
})

test('what an operation came to is answered again, and lies sealed', async () => {
  work = async (call) => {
    await tx((inside) => call.idempotency.bind(inside, randomUUID()))
    call.reply.code(201)
    return { values: 'secret' }
  }
  await send('k')
  const again = await send('k')
  expect([again.statusCode, again.json()]).toEqual([201, { values: 'secret' }])
  const { rows } = await sql<{ response: unknown }>`select response from idempotency`.execute(database.db)
  expect(JSON.stringify(rows)).not.toContain('secret')
})

test('an operation whose transaction was undone is not found, and the request may run again', async () => {
  const operationId = randomUUID()
  work = async (call) => {
    await tx(async (inside) => {
      await call.idempotency.bind(inside, operationId)
      throw new Error('undone')
    })
  }
  expect((await send('k')).statusCode).toBe(500)
  work = async ({ reply }) => {
    reply.code(201)
    return { run: 'second' }
  }
  expect((await send('k')).json()).toEqual({ run: 'second' })
})

test('a claim whose server died is taken over, by the same request only', async () => {
  await send('k')
  await sql`update idempotency set response = null, locked_until = now() - interval '1 second'`.execute(database.db)
  expect((await send('k', 2)).json()).toMatchObject({ code: 'idempotency_mismatch' })
  expect((await send('k')).statusCode).toBe(201)
  expect(runs).toBe(2)
})

test('who lost a claim cannot bind its operation', async () => {
  work = async (call) => {
    await sql`update idempotency set claim = gen_random_uuid()`.execute(database.db)
    await tx((inside) => call.idempotency.bind(inside, randomUUID()))
  }
  expect((await send('k')).json()).toMatchObject({ status: 409, code: 'conflict' })
})

test('after 24 hours the key is new', async () => {
  await send('k')
  await sql`update idempotency set expires_at = now() - interval '1 second'`.execute(database.db)
  expect((await send('k', 2)).statusCode).toBe(201)
  await send('other')
  await sql`update idempotency set expires_at = now() where key = 'other'`.execute(database.db)
  const keys = new IdempotencyKeys(database.db, testVault)
  expect([await keys.purge(), await keys.purge()]).toEqual([1, 0])
})

test('an answer kept in the transaction of its command is not changed by what follows', async () => {
  work = async (call) => {
    await tx((inside) => call.idempotency.complete(inside, { status: 201, body: { kept: true } }))
    call.reply.code(201)
    return { kept: false }
  }
  await send('k')
  expect((await send('k')).json()).toEqual({ kept: true })
})

test('a replay is refused once the caller sees less', async () => {
  const tenant = randomUUID()
  let tenants: readonly string[] = [tenant]
  const other = appOf({
    db: database.db,
    routes: [[command]],
    authenticate: async () => principal('tenant-operator', tenants),
  })
  const ask = () =>
    other.inject({
      method: 'POST',
      url: '/api/v1/command',
      headers: as('x', { 'idempotency-key': 'k' }),
      payload: { n: 1 },
    })
  expect((await ask()).statusCode).toBe(201)
  tenants = []
  expect((await ask()).statusCode).toBe(404)
  await other.close()
})

test('a key that is none is 400', async () => {
  for (const key of ['', 'a b', 'x'.repeat(256)])
    expect((await send(key)).json()).toMatchObject({ status: 400, errors: [{ pointer: 'header/idempotency-key' }] })
})
