import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKafkaSender, type KafkaSender } from '../../src/infra/kafka/producer.ts'
import type { RealBroker } from '../../testbed/kafka/broker.ts'
import { createTopics } from '../../testbed/kafka/topics.ts'
import {
  componentTopic,
  eventsOf,
  executionTopic,
  firstsOf,
  openWorld,
  releaseTopic,
  subject,
  upTo,
  type World,
} from '../contract/relay/world.ts'
import { readTopic, startBroker } from '../support/real-broker.ts'

let broker: RealBroker
let sender: KafkaSender
let world: World
beforeEach(async () => {
  broker = await startBroker({ 'message.max.bytes': '20000' })
  sender = createKafkaSender([broker.address])
  world = await openWorld(sender.send, 50)
  await world.open()
})
afterEach(async () => {
  await world.close()
  await sender.close()
  await broker.stop()
})

const subjects = () => [subject('release'), subject('release'), subject('execution'), subject('component')] as const
const topicOf = { release: releaseTopic, execution: executionTopic, component: componentTopic } as const

/** Every topic has all of each subject, and each number first in its order. */
async function expectComplete(told: ReturnType<typeof subjects>, count: number): Promise<void> {
  await world.untilCaughtUp()
  for (const each of told) {
    const read = await readTopic(broker.address, topicOf[each.kind as keyof typeof topicOf])
    expect(firstsOf(read, each)).toEqual(upTo(count))
  }
}

describe('events on a real broker', () => {
  it('are all there in order though it is killed and started again in between', async () => {
    await createTopics(broker.address, Object.values(topicOf))
    world.work()
    const told = subjects()
    for (let round = 0; round < 3; round++) {
      for (const each of told) await world.tell(each, 40)
      await broker.kill()
      for (const each of told) await world.tell(each, 40)
      await broker.start()
    }
    await expectComplete(told, 240)
  })

  it('wait for topics that are made later, and the lag says how many', async () => {
    world.work()
    const told = subjects()
    for (const each of told) await world.tell(each, 30)
    const lagOf = async (topic: string) => (await world.lags()).find((each) => each.topic === topic)?.events
    await createTopics(broker.address, [executionTopic])
    await expect.poll(() => lagOf(executionTopic), { timeout: 60_000 }).toBe(0)
    expect(await lagOf(releaseTopic)).toBe(60)
    await createTopics(broker.address, [releaseTopic, componentTopic])
    await expectComplete(told, 30)
  })

  it('of ten minutes without a broker are caught up with', async () => {
    await createTopics(broker.address, Object.values(topicOf))
    await broker.kill()
    world.work()
    const told = subjects()
    // What a busy fleet tells in ten minutes.
    for (let minute = 0; minute < 10; minute++) for (const each of told) await world.tell(each, 300)
    await broker.start()
    await expectComplete(told, 3_000)
  })

  it('that are too large together go in parts, and one that is too large by itself as a reference', async () => {
    await createTopics(broker.address, Object.values(topicOf))
    world.work()
    const release = subject('release')
    await world.tell(release, 30, { data: { note: 'x'.repeat(2_000) } })
    await world.tell(release, 1, { data: { note: 'x'.repeat(50_000) } })
    await world.tell(release, 1)
    await world.untilCaughtUp()
    const events = eventsOf(await readTopic(broker.address, releaseTopic))
    const large = events.filter(({ sequence }) => sequence === '31')
    expect(large).toMatchObject([{ dataref: `/api/v1/helm/releases/${release.id}/events` }])
    expect(firstsOf(await readTopic(broker.address, releaseTopic), release)).toEqual(upTo(32))
  })
})
