import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../../../src/core/instant.ts'
import { eventStream } from '../../../src/infra/http/event-stream.ts'
import { route } from '../../../src/infra/http/route.ts'
import { answerWhenEnded } from '../../../src/infra/http/waiting.ts'
import { appOf, as, principal } from '../../support/http-app.ts'

let app: FastifyInstance | undefined
afterEach(() => app?.close())

const operationId = '7b0c3c8e-58a3-4ad0-9b0b-1f6b1df1c001'
const anything = { description: 'Anything', schema: z.unknown() }

function waiting(whenEnded: (signal: AbortSignal) => Promise<unknown>) {
  const wait = route({
    method: 'POST',
    url: '/api/v1/wait',
    operationId: 'wait',
    tags: ['test'],
    summary: 'Waits',
    permission: { scope: 'platform', action: 'release.install' },
    schema: { responses: { 200: anything, 202: anything } },
    handler: (call) => answerWhenEnded(call, operationId, whenEnded),
  })
  app = appOf({ routes: [[wait]] })
  return app
}

async function listen(server: FastifyInstance): Promise<{ readonly url: string; readonly port: number }> {
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  return { url, port: (server.server.address() as AddressInfo).port }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })

test.each(['Connection terminated unexpectedly', 'Client has encountered a connection error and is not queryable'])(
  'a database that goes away meanwhile (%s): it says where the operation goes on',
  async (message) => {
    const server = waiting(() => Promise.reject(new Error(message)))
    const answer = await server.inject({ method: 'POST', url: '/api/v1/wait', headers: as('admin') })
    expect(answer.json()).toMatchObject({ status: 503, code: 'unavailable', operationId })
    expect(answer.headers).toMatchObject({ location: `/api/v1/operations/${operationId}` })
  },
)

test('without a preference the answer comes when the work has ended', async () => {
  const answer = await waiting(async () => ({ done: true })).inject({
    method: 'POST',
    url: '/api/v1/wait',
    headers: as('admin'),
  })
  expect([answer.statusCode, answer.json()]).toEqual([200, { done: true }])
})

test('Prefer: respond-async is 202 with the place of the operation', async () => {
  const answer = await waiting(untilAborted).inject({
    method: 'POST',
    url: '/api/v1/wait',
    headers: as('admin', { prefer: 'respond-async' }),
  })
  expect([answer.statusCode, answer.json()]).toEqual([202, { operationId }])
  expect(answer.headers).toMatchObject({
    location: `/api/v1/operations/${operationId}`,
    'preference-applied': 'respond-async',
  })
})

test('a client that goes ends the waiting', async () => {
  const waits = Promise.withResolvers<AbortSignal>()
  const { port } = await listen(
    waiting((signal) => {
      waits.resolve(signal)
      return untilAborted(signal)
    }),
  )
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\n\r\n')
  const signal = await waits.promise
  const aborted = once(signal, 'abort')
  socket.destroy()
  await aborted
})

test('a server that stops says where the operation goes on', async () => {
  const waits = Promise.withResolvers<void>()
  const server = waiting((signal) => {
    waits.resolve()
    return untilAborted(signal)
  })
  const { url } = await listen(server)
  const answer = fetch(`${url}/api/v1/wait`, { method: 'POST', headers: as('admin') })
  await waits.promise
  await server.close()
  expect((await answer).headers.get('location')).toBe(`/api/v1/operations/${operationId}`)
  expect(await (await answer).json()).toMatchObject({ status: 503, code: 'unavailable', operationId })
})

/** A stream of one event that goes on until the signal; its server's heart beats by hand, its key can be revoked. */
function counting() {
  let revoked = false
  const beats: (() => void)[] = []
  const sleep: Clock['sleep'] = (_, signal) =>
    new Promise((resolve) => {
      beats.push(resolve)
      signal?.addEventListener('abort', resolve, { once: true })
    })
  const closed = Promise.withResolvers<void>()
  const stream = route({
    method: 'GET',
    url: '/api/v1/stream',
    operationId: 'stream',
    tags: ['test'],
    summary: 'Streams',
    permission: { scope: 'platform', action: 'event.read' },
    schema: { responses: { 200: { description: 'Events', contentType: 'text/event-stream' } } },
    handler: (call) =>
      eventStream(call, async function* (signal) {
        try {
          yield { id: '1', event: 'release.installed', data: { n: 1 } }
          await untilAborted(signal)
        } finally {
          closed.resolve()
        }
      }),
  })
  app = appOf({
    routes: [[stream]],
    authenticate: async () => (revoked ? null : principal('viewer')),
    clock: { now: () => 0, sleep },
  })
  const revoke = () => {
    revoked = true
  }
  return { app, closed: closed.promise, beat: () => beats.shift()?.(), revoke }
}

test('events arrive as they come, and the stream ends with the server', async () => {
  const { app: server, closed } = counting()
  const { url } = await listen(server)
  const answer = await fetch(`${url}/api/v1/stream`, { headers: as('x') })
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('\n\nid: 1')) text += (await reader.read()).value
  expect(text).toContain('event: release.installed\ndata: {"n":1}\n\n')
  await Promise.all([server.close(), closed])
  while (!(await reader.read()).done);
})

test('a revoked key ends its stream at the next heartbeat', async () => {
  const { app: server, closed, beat, revoke } = counting()
  const { url } = await listen(server)
  const answer = await fetch(`${url}/api/v1/stream`, { headers: as('x') })
  revoke()
  beat()
  await closed
  expect(await answer.text()).toContain('id: 1')
})
