import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealBroker } from '../../testbed/kafka/broker.ts'
import { createTopics } from '../../testbed/kafka/topics.ts'
import { eventsOf } from '../contract/relay/world.ts'
import { openWorld, type World } from '../scenarios/support/world.ts'
import { wrongsOf } from '../support/published-events.ts'
import { readTopic, startBroker } from '../support/real-broker.ts'

const topic = 'helm.release-events'
const canary = 'canary-word-of-a-value'

let broker: RealBroker
let world: World
beforeAll(async () => {
  broker = await startBroker()
  await createTopics(broker.address, [topic])
  world = await openWorld({ KAFKA_BROKERS: broker.address, METRICS_OPEN: 'true' })
})
afterAll(async () => {
  await world?.close()
  await broker?.stop()
})

const lagOf = async (name: string, unit: 'events' | 'seconds' = 'events'): Promise<number> => {
  const text = await (await fetch(`${world.flotilla.url}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`flotilla_kafka_lag_${unit}{topic="${name}"}`))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}
const untilCaughtUp = () => expect.poll(() => lagOf(topic), { timeout: 120_000, interval: 200 }).toBe(0)

test('what happens to releases is on the broker as docs/events says, without a value', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked', valuesOverride: { color: canary } })
  await release.upgrade({ valuesOverride: { color: `${canary} again` } })
  await untilCaughtUp()
  // Looks at what was deployed are events too, so that the two lags of one scrape say nothing of each other.
  await expect.poll(() => lagOf(topic, 'seconds'), { timeout: 120_000, interval: 200 }).toBe(0)
  const messages = (await readTopic(broker.address, topic)).filter(({ key }) => key === release.id)
  expect(messages.flatMap(({ value }) => wrongsOf(topic, value))).toEqual([])
  expect(eventsOf(messages).map(({ type }) => type)).toEqual([
    ...['requested', 'started', 'applied', 'succeeded'].map((what) => `dev.flotilla.release.install.${what}`),
    ...['requested', 'started', 'applied', 'succeeded'].map((what) => `dev.flotilla.release.upgrade.${what}`),
  ])
  expect(JSON.stringify(messages)).not.toContain(canary)
})

test('while the broker is gone releases are installed all the same; afterwards their events come', async () => {
  await broker.kill()
  const release = await world.place().installed({ chartName: 'hooked' })
  expect(await lagOf(topic)).toBeGreaterThan(0)
  expect(await lagOf(topic, 'seconds')).toBeGreaterThan(0)
  world = await world.restarted()
  expect(await lagOf(topic)).toBeGreaterThan(0)
  await broker.start()
  await untilCaughtUp()
  const messages = (await readTopic(broker.address, topic)).filter(({ key }) => key === release.id)
  expect(new Set(eventsOf(messages).map(({ sequence }) => sequence))).toEqual(new Set(['1', '2', '3', '4']))
})
