import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaSender, type KafkaSender } from '../../src/infra/kafka/producer.ts'
import type { RealBroker } from '../../testbed/kafka/broker.ts'
import { createTopics } from '../../testbed/kafka/topics.ts'
import { readTopic, startBroker } from '../support/real-broker.ts'

let broker: RealBroker
let sender: KafkaSender
beforeAll(async () => {
  broker = await startBroker()
  await createTopics(broker.address, ['events', 'others'])
  sender = createKafkaSender([broker.address])
})
afterAll(async () => {
  await sender.close()
  await broker.stop()
})

const never = new AbortController().signal
const message = (key: string, value: string) => ({ key, value, headers: { 'content-type': 'text/plain' } })
const send = (topic: string, ...messages: readonly ReturnType<typeof message>[]) => sender.send(topic, messages, never)

/** A broker that has just come back may not be ready yet. */
const untilTaken = (topic: string, value: string) =>
  expect
    .poll(async () => (await send(topic, message('k', value))).kind, { timeout: 60_000, interval: 500 })
    .toBe('taken')

describe('what is sent to a real broker', () => {
  it('is there with key and headers, that of one key in its order', async () => {
    const messages = Array.from({ length: 60 }, (_, n) => message(`key ${n % 4}`, String(n)))
    expect(await send('events', ...messages.slice(0, 30))).toEqual({ kind: 'taken' })
    expect(await send('events', ...messages.slice(30))).toEqual({ kind: 'taken' })
    const read = await readTopic(broker.address, 'events')
    expect(read).toHaveLength(60)
    for (const key of ['key 0', 'key 1', 'key 2', 'key 3'])
      expect(read.filter((each) => each.key === key)).toEqual(messages.filter((each) => each.key === key))
  })

  it('to a topic that is missing fails soon, and no topic is made', async () => {
    expect(await send('missing', message('k', 'v'))).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('missing'),
    })
    expect(await send('others', message('k', 'v'))).toEqual({ kind: 'taken' })
  })

  it('and too large is told apart, and the next goes', async () => {
    expect(await send('others', message('k', 'x'.repeat(2_000_000)))).toEqual({ kind: 'too_large' })
    expect(await send('others', message('k', 'small'))).toEqual({ kind: 'taken' })
  })

  it('fails while the broker stands still, and while it is gone; afterwards it is taken', async () => {
    await broker.freeze()
    expect(await send('others', message('k', 'still'))).toMatchObject({ kind: 'failed' })
    broker.thaw()
    await untilTaken('others', 'goes on')
    await broker.kill()
    expect(await send('others', message('k', 'gone'))).toMatchObject({ kind: 'failed' })
    await broker.start()
    await untilTaken('others', 'is back')
    expect((await readTopic(broker.address, 'others')).at(-1)?.value).toBe('is back')
  })

  it('is broken off with the signal', async () => {
    await broker.freeze()
    const stopping = new AbortController()
    const sent = sender.send('others', [message('k', 'v')], stopping.signal)
    stopping.abort()
    expect(await sent).toMatchObject({ kind: 'failed' })
    broker.thaw()
    await untilTaken('others', 'once more')
  })
})
