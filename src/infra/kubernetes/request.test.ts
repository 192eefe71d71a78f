import { describe, expect, test } from 'vitest'
import { seconds } from '../../core/instant.ts'
import { ClusterError } from './errors.ts'
import { createRequester } from './request.ts'
import { settle, VirtualClock } from './testing/virtual-clock.ts'
import type { Transport, TransportResponse } from './transport.ts'

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}
const answer = (status: number, body: unknown = {}, headers: TransportResponse['headers'] = {}): TransportResponse => {
  return { status, headers, body: bytes(typeof body === 'string' ? body : JSON.stringify(body)) }
}
const read = { method: 'GET', path: '/api/v1/x', headers: {} } as const
const write = { method: 'POST', path: '/api/v1/x', headers: {}, body: '{}' } as const

/** A requester whose answers are given; the last one repeats. */
function setUp(...answers: readonly (() => TransportResponse | Promise<TransportResponse>)[]) {
  const clock = new VirtualClock()
  let count = 0
  const transport: Transport = async () => {
    const next = answers[Math.min(count, answers.length - 1)]
    count++
    if (next === undefined) throw new Error('no answer is left')
    return next()
  }
  return { clock, requester: createRequester(transport, clock, () => 0), asked: () => count }
}

const errorOf = (asked: Promise<unknown>): Promise<ClusterError> =>
  asked.then(
    () => Promise.reject(new Error('it succeeded')),
    (error) => error,
  )

describe('a request', () => {
  test('that reads waits as long as a busy server asks, and tries again', async () => {
    const busy = () => answer(429, {}, { 'retry-after': '2' })
    const { clock, requester, asked } = setUp(busy, () => answer(200, 'done'))
    const asking = requester.send(read)
    await clock.advance(seconds(1))
    expect(asked()).toBe(1)
    await clock.advance(seconds(1))
    expect(await asking).toBe('done')
  })

  test('that reads gives up after four tries, one that writes after the first', async () => {
    const busy = () => answer(503)
    const reading = setUp(busy)
    const asking = errorOf(reading.requester.send(read))
    await reading.clock.advance(seconds(20))
    expect(await asking).toMatchObject({ status: 503, unreachable: true })
    expect(reading.asked()).toBe(4)
    const writing = setUp(busy)
    expect(await errorOf(writing.requester.send(write))).toMatchObject({ status: 503 })
    expect(writing.asked()).toBe(1)
  })

  test('that is refused tries once more, with fresh credentials', async () => {
    const { clock, requester, asked } = setUp(() => answer(401))
    const asking = errorOf(requester.send(write))
    await clock.advance(0)
    expect(await asking).toMatchObject({ status: 401, isForbidden: true })
    expect(asked()).toBe(2)
  })

  test.each([
    ['a connection that broke', () => Promise.reject(new Error('socket hang up'))],
    ['a server that failed', () => answer(500, { kind: 'Status', reason: 'InternalError' })],
  ])('%s: what reads is asked once more, what writes is not', async (_, broken) => {
    const { clock, requester, asked } = setUp(broken, () => answer(200, 'done'))
    const asking = requester.send(read)
    await clock.advance(500)
    expect(await asking).toBe('done')
    expect(asked()).toBe(2)
    const again = setUp(broken)
    const failing = errorOf(again.requester.send(read))
    await again.clock.advance(500)
    expect(await failing).toBeInstanceOf(ClusterError)
    expect(again.asked()).toBe(2)
    const writing = setUp(broken)
    expect(await errorOf(writing.requester.send(write))).toBeInstanceOf(ClusterError)
    expect(writing.asked()).toBe(1)
  })

  test('without an answer in time is unreachable', async () => {
    const { clock, requester } = setUp(() => new Promise(() => {}))
    const hanging: Transport = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const asking = errorOf(createRequester(hanging, clock, () => 0).send(read, { timeoutMs: 1000 }))
    await clock.advance(1000)
    expect(await asking).toMatchObject({ reason: 'Timeout', unreachable: true })
    expect(requester).toBeDefined()
  })

  test('leaves no timer behind', async () => {
    const { clock, requester } = setUp(() => answer(200, 'done'))
    await requester.send(read)
    await settle()
    expect(await clock.step()).toBe(false)
  })

  test.each([
    ['an object that is not there', { kind: 'Status', reason: 'NotFound', details: { name: 'x' } }, true],
    ['a kind that is not served', { kind: 'Status', reason: 'NotFound', details: {} }, false],
    ['a path that is not served', '404 page not found', false],
  ])('%s', async (_, body, absent) => {
    const { requester } = setUp(() => answer(404, body))
    const error = await errorOf(requester.send(read))
    expect(error).toBeInstanceOf(ClusterError)
    expect(error.isAbsent).toBe(absent)
  })
})
