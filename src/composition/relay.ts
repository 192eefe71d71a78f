import { Gauge, type Registry } from 'prom-client'
import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import { transaction } from '../infra/database/pool.ts'
import type { Db } from '../infra/database/types.ts'
import { createKafkaSender } from '../infra/kafka/producer.ts'
import type { Log } from '../infra/log.ts'
import { type Lag, openRelays, type RelayMachine, readLags, relayMachine } from '../relay/index.ts'
import type { Stops } from './stops.ts'

export type RelayDeps = { readonly config: Config; readonly db: Db; readonly clock: Clock; readonly log: Log }

/** The machine that fills the topics of a broker; null without `KAFKA_BROKERS`. */
export async function openRelay(
  { config, db, clock, log }: RelayDeps,
  stopping: AbortSignal,
  stops: Stops,
): Promise<RelayMachine | null> {
  if (config.kafkaBrokers.length === 0) return null
  const sender = createKafkaSender(config.kafkaBrokers)
  stops.add('Kafka', () => sender.close())
  await transaction(db, openRelays)
  return relayMachine({ db, clock, log, publish: sender.send, stopping })
}

/** How far each topic is behind, at the time of asking. Nothing without Kafka. */
export function measureRelays(registry: Registry, db: Db, clock: Clock): void {
  lagGauge(registry, db, {
    name: 'flotilla_kafka_lag_events',
    help: 'Events that the broker has not taken yet',
    of: ({ events }) => events,
  })
  lagGauge(registry, db, {
    name: 'flotilla_kafka_lag_seconds',
    help: 'Age of the oldest event that the broker has not taken yet',
    of: ({ since }) => (since === null ? 0 : Math.max(0, clock.now() - since) / 1000),
  })
}

type LagGauge = { readonly name: string; readonly help: string; readonly of: (lag: Lag) => number }

/** Each asks for itself: what another one fills in while it is collected may come too late for its own answer. */
function lagGauge(registry: Registry, db: Db, { of, ...named }: LagGauge): void {
  const gauge = new Gauge({
    ...named,
    labelNames: ['topic'] as const,
    registers: [registry],
    async collect() {
      const lags = await readLags(db)
      gauge.reset()
      for (const lag of lags) gauge.set({ topic: lag.topic }, of(lag))
    },
  })
}
