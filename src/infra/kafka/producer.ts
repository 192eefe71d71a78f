import type { Producer } from '@platformatic/kafka'
import { unlessAborted } from '../unless-aborted.ts'

/** What is sent: text, with the key that chooses the partition. */
export type KafkaMessage = {
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}
/** What the broker says; `why` has no data in it. */
export type KafkaAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'failed'; readonly why: string }

export type KafkaSender = {
  /** Resolves with what the broker says, at the latest after 10 s. Never rejects. One call at a time for a topic. */
  readonly send: (topic: string, messages: readonly KafkaMessage[], signal: AbortSignal) => Promise<KafkaAnswer>
  close(): Promise<void>
}

type Client = Producer<string, string, string, string>

const longestMs = 10_000

/**
 * Sends to Kafka, acknowledged by all replicas in sync. A topic has a connection of its own, which ends with the first
 * failure: what was not answered is never sent by it behind somebody's back. For that reason the client itself does not
 * try again either: with `idempotent` it would, for ever, and would not say that a topic is missing (docs/adr/0039).
 */
export function createKafkaSender(brokers: readonly string[]): KafkaSender {
  const clients = new Map<string, Client>()
  const drop = async (topic: string): Promise<void> => {
    const client = clients.get(topic)
    clients.delete(topic)
    await client?.close(true).catch(() => {})
  }
  return {
    send: async (topic, messages, signal) => {
      const either = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
      try {
        const client = clients.get(topic) ?? (await openClient(brokers))
        clients.set(topic, client)
        const records = messages.map(({ key, value, headers }) => ({ topic, key, value, headers: { ...headers } }))
        await unlessAborted(client.send({ messages: records }), either)
        return { kind: 'taken' }
      } catch (error) {
        if (isTooLarge(error)) return { kind: 'too_large' }
        void drop(topic)
        return { kind: 'failed', why: whyOf(error) }
      }
    },
    close: async () => {
      await Promise.all([...clients.keys()].map(drop))
    },
  }
}

/** Loaded when it is needed first: an installation without Kafka does without it. */
async function openClient(brokers: readonly string[]): Promise<Client> {
  const { Producer, stringSerializers } = await import('@platformatic/kafka')
  return new Producer({
    clientId: 'flotilla',
    bootstrapBrokers: [...brokers],
    serializers: stringSerializers,
    acks: -1,
    idempotent: false,
    retries: 0,
    maxInflights: 1,
    connectTimeout: 3_000,
    timeout: 5_000,
    autocreateTopics: false,
  })
}

type Searchable = { findBy(property: string, value: unknown): unknown }
const isSearchable = (error: unknown): error is Searchable =>
  error instanceof Error && 'findBy' in error && typeof error.findBy === 'function'

const isTooLarge = (error: unknown): boolean =>
  isSearchable(error) && ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].some((id) => error.findBy('apiId', id) !== null)

/** The innermost of a client's errors: the outer ones only say that sending has failed. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return 'no answer in time'
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner instanceof Error ? whyOf(inner) : error.message
}
