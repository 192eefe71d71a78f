import { randomUUID } from 'node:crypto'
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka'

const partitions = [0, 1, 2]

/** Makes topics with three partitions each; resolves once all of them have a leader. */
export async function createTopics(address: string, topics: readonly string[]): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [address], ...patient })
  await admin.createTopics({ topics: [...topics], partitions: partitions.length, replicas: 1 })
  await admin.close()
  const consumer = openConsumer(address)
  for (const topic of topics) await countOf(consumer, topic)
  await consumer.close(true)
}

const patient = { retries: 60, retryDelay: 500 } as const

/** A reader of text that waits for a broker which has just begun. The caller closes it. */
export const openConsumer = (address: string) =>
  new Consumer({
    ...{ clientId: 'test', groupId: randomUUID(), bootstrapBrokers: [address], ...patient },
    deserializers: stringDeserializers,
  })

/** How many messages a topic has taken; asks each partition's leader. */
export async function countOf(consumer: ReturnType<typeof openConsumer>, topic: string): Promise<number> {
  const ends = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: partitions } })
  return (ends.get(topic) ?? []).reduce((sum, end) => sum + Number(end), 0)
}
