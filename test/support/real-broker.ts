import type { Message } from '../../src/relay/index.ts'
import { type Properties, RealBroker } from '../../testbed/kafka/broker.ts'
import { kafkaLibraries } from '../../testbed/kafka/libraries.ts'
import { countOf, openConsumer } from '../../testbed/kafka/topics.ts'
import { cacheFolder } from '../../testbed/support/cache.ts'

/** Starts a real broker, fetched where it has not been. Topics are made by the tests. */
export const startBroker = async (properties: Properties = {}): Promise<RealBroker> =>
  RealBroker.start(await kafkaLibraries(cacheFolder()), properties)

/** All that a topic has, partition after partition, each in its order; doubled messages too. */
export async function readTopic(address: string, topic: string): Promise<readonly Message[]> {
  const consumer = openConsumer(address)
  try {
    const expected = await countOf(consumer, topic)
    if (expected === 0) return []
    const read: { readonly partition: number; readonly offset: bigint; readonly message: Message }[] = []
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 200 })
    for await (const { partition, offset, key, value, headers } of stream) {
      read.push({ partition, offset, message: { key, value, headers: Object.fromEntries(headers) } })
      if (read.length >= expected) break
    }
    read.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
    return read.map(({ message }) => message)
  } finally {
    await consumer.close(true)
  }
}
