import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { arrayBuffer } from 'node:stream/consumers'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { silentServer } from '../../../../test/support/silent-server.ts'
import { askCluster, passAnswer, type UpstreamAnswer } from './upstream.ts'

test('what helm asks of a silent cluster ends with its attempt, also while the connection is being made', async () => {
  const silent = await silentServer()
  const dispatcher = new Agent({ connect: { timeout: 0 } })
  const cluster = { server: new URL(`https://127.0.0.1:${silent.port}`), dispatcher, headers: async () => ({}) }
  const ended = new AbortController()
  const request = { headers: {} } as IncomingMessage
  const asking = askCluster(cluster, { method: 'GET', url: '/', request, body: null, signal: ended.signal })
  setImmediate(() => ended.abort(new Error('the lease is over')))
  await expect(asking).rejects.toThrow('the lease is over')
  await dispatcher.destroy()
  await silent.close()
})

/** What helm gets of a 502 with this body, and what is kept of it. */
async function passError(body: PassThrough, headers: Record<string, string> = {}) {
  const kept: Buffer[] = []
  const whole = Object.assign(body, { arrayBuffer: () => arrayBuffer(body) })
  const answer = { statusCode: 502, headers, body: whole } as unknown as UpstreamAnswer
  const server = createServer((_request, response) => passAnswer(answer, response, (said) => kept.push(said)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const asked = send({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const end = async () => {
    response.destroy()
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  return { response, kept, end }
}

test('an error whose body stalls reaches helm as a status, and what is there of the body', async () => {
  const body = new PassThrough()
  const { response, kept, end } = await passError(body)
  expect([response.statusCode, kept]).toEqual([502, []])
  body.write('bad')
  expect(String((await once(response, 'data'))[0])).toBe('bad')
  body.end(' gateway')
  for await (const _ of response);
  expect(kept.map(String)).toEqual(['bad gateway'])
  await end()
})

test('an error is kept when all that was announced of it is there, before helm can have read it', async () => {
  const body = new PassThrough()
  const { response, kept, end } = await passError(body, { 'content-length': '3' })
  body.write('bad')
  await once(response, 'data')
  expect(kept.map(String)).toEqual(['bad'])
  await end()
})

test('of an error that is longer than is kept helm gets all, and nothing is told', async () => {
  const body = new PassThrough()
  const { response, kept, end } = await passError(body)
  body.write(Buffer.alloc(50_000))
  body.end(Buffer.alloc(50_000))
  let size = 0
  for await (const chunk of response) size += chunk.length
  expect([size, kept.map(String)]).toEqual([100_000, ['']])
  await end()
})
