import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { AppContext } from '../../../src/infra/http/context.ts'
import { route } from '../../../src/infra/http/route.ts'
import { appOf } from '../../support/http-app.ts'

let app: FastifyInstance
let lines: { readonly msg: string; readonly route?: string }[]
let entered: PromiseWithResolvers<void>
let mayAnswer: PromiseWithResolvers<void>

beforeEach(async () => {
  lines = []
  entered = Promise.withResolvers()
  mayAnswer = Promise.withResolvers()
  const hold = route({
    method: 'GET',
    url: '/hold',
    operationId: 'hold',
    tags: ['test'],
    summary: 'Answers when told',
    permission: { scope: 'public' },
    schema: { responses: { 200: { description: 'Done', schema: z.unknown() } } },
    handler: async () => {
      entered.resolve()
      await mayAnswer.promise
      return { done: true }
    },
  })
  const take = route({
    method: 'POST',
    url: '/take',
    operationId: 'take',
    tags: ['test'],
    summary: 'Takes a body',
    permission: { scope: 'public' },
    schema: { body: z.strictObject({}), responses: { 200: { description: 'Done', schema: z.unknown() } } },
    handler: async () => ({ done: true }),
  })
  app = appOf({ routes: [[hold, take]], log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(async () => {
  mayAnswer.resolve()
  await app.close()
})

/** Sends bytes on a connection of its own and gives all that comes back until it is closed. */
async function raw(text: string): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(text)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`

test.each([
  ['what is not HTTP', 'BLAH\r\n\r\n', 400],
  ['headers without end', get('/healthz', `X: ${'x'.repeat(20_000)}\r\n`), 431],
])('%s is answered with a problem, and the connection is closed', async (_, text, status) => {
  const answer = await raw(text)
  expect(answer).toContain(`HTTP/1.1 ${status} `)
  expect(answer).toContain('application/problem+json')
  expect(answer).not.toMatch(/at .*\.(js|ts):/)
})

const megabyte = 'x'.repeat(1024 * 1024)
const chunk = `100000\r\n${megabyte}\r\n`
const json = 'Content-Type: application/json\r\n'
const bodies = [
  {
    what: 'of a length that is too large',
    type: `${json}Content-Length: 3145728`,
    first: '',
    rest: megabyte.repeat(3),
    status: 413,
  },
  {
    what: 'that turns out too large',
    type: `${json}Transfer-Encoding: chunked`,
    first: chunk + chunk,
    rest: `${chunk}0\r\n\r\n`,
    status: 413,
  },
  {
    what: 'of another type',
    type: 'Content-Type: text/plain\r\nContent-Length: 1048576',
    first: '',
    rest: megabyte,
    status: 415,
  },
]

test.each(bodies)(
  'a body $what is refused, and the client may send the rest of it',
  async ({ type, first, rest, status }) => {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      text += String(data)
    })
    const closed = once(socket, 'close')
    socket.write(`POST /take HTTP/1.1\r\nHost: localhost\r\n${type}\r\n\r\n${first}`)
    await expect.poll(() => text, { timeout: 20_000 }).toContain(`HTTP/1.1 ${status} `)
    socket.write(rest)
    socket.write(get('/healthz', 'Connection: close\r\n'))
    await closed
    expect(text).toContain('HTTP/1.1 200 ')
  },
)

test('no Host at all is refused', async () => {
  expect(await raw('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain('HTTP/1.1 400 ')
  expect(await raw('GET /healthz HTTP/1.0\r\n\r\n')).toContain('host_not_allowed')
})

test('a server that stops finishes what runs and refuses what comes', async () => {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  socket.write(get('/hold'))
  await entered.promise
  const { stopping } = app.getDecorator<AppContext>('flotilla')
  const stops = once(stopping, 'abort')
  const closed = app.close()
  await stops
  socket.write(get('/healthz'))
  await expect.poll(() => lines.some(({ msg }) => msg === 'request not served')).toBe(true)
  mayAnswer.resolve()
  await once(socket, 'close')
  await closed
  expect(text).toContain('{"done":true}')
  expect(text.match(/HTTP\/1\.1 [0-9]+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503'])
})

test('the log tells of a client that went before its answer', async () => {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(get('/hold'))
  await entered.promise
  socket.destroy()
  await expect.poll(() => lines.map(({ msg, route }) => [msg, route])).toContainEqual(['client gone', '/hold'])
  mayAnswer.resolve()
})

test('a connection without a request does not hold up the stop', async () => {
  const silent = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  await Promise.all([once(silent, 'connect'), once(app.server, 'connection')])
  silent.resume()
  await Promise.all([once(silent, 'close'), app.close()])
}, 10_000)

test('a request whose body does not come does not hold up the stop', async () => {
  const slow = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  slow.on('error', () => undefined)
  slow.write(`POST /take HTTP/1.1\r\nHost: localhost\r\n${json}Content-Length: 10\r\n\r\n{`)
  await once(app.server, 'request')
  slow.resume()
  await Promise.all([once(slow, 'close'), app.close()])
}, 10_000)
