import { topics } from '../src/relay/index.ts'
import { RealBroker } from './kafka/broker.ts'
import { kafkaLibraries } from './kafka/libraries.ts'
import { createTopics } from './kafka/topics.ts'
import { cacheFolder } from './support/cache.ts'

/** A real broker with Flotilla's topics: prints one line of JSON with its address and runs until it is told to stop. */
async function main(): Promise<void> {
  const broker = await RealBroker.start(await kafkaLibraries(cacheFolder()))
  await createTopics(
    broker.address,
    topics.map(({ name }) => name),
  )
  console.log(JSON.stringify({ ready: true, brokers: broker.address }))
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  await broker.stop()
}

await main()
