import type { Clock, Instant } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import { type ActContext, fenced, type Machine } from '../infra/engine/index.ts'
import { eventOf } from '../infra/events/feed.ts'
import { decideSink, deliveriesAtOnce, type Sink, type SinkAct, type SinkObservation } from './core/decide.ts'
import type { Delivery, Sent, Webhook } from './core/model.ts'
import { afterTry, isDelivered, pausedAfter, type RetryPolicy, retryPolicy } from './core/retry.ts'
import { messageOf } from './message.ts'
import type { Send } from './send.ts'
import { lookAtDue, openDeliveries, openNext, updateDelivery } from './store/deliveries.ts'
import { loadWebhook, lockWebhook, noteReceiver } from './store/webhooks.ts'

export type SinkMachine = Machine<Sink, never, SinkObservation, SinkAct>

/** Seals the secret of one webhook: the bytes of another do not open in its place. */
export type SecretSealer = {
  seal(id: Uuid, secret: string): Buffer
  open(id: Uuid, sealed: Uint8Array): string
}

export type SinkParts = {
  readonly db: Db
  readonly clock: Clock
  readonly secrets: SecretSealer
  readonly send: Send
  /** From 0 to 1, another each time. */
  readonly chance: () => number
  readonly policy?: RetryPolicy
  /** Aborted when the process stops: nobody waits for a receiver then, another worker sends again. */
  readonly stopping?: AbortSignal
}

/**
 * The machine of webhooks. Each works under its own lease and in its own slot, so a receiver that is slow, down or wrong
 * keeps no other waiting. A delivery is sent at least once: one whose worker is killed before it has written what came of
 * it is sent again, with the same id.
 */
export function sinkMachine(parts: SinkParts): SinkMachine {
  const { db, clock } = parts
  return {
    kind: 'sink',
    decide: decideSink,
    load: async (from, id) => {
      const found = await loadWebhook(from, id)
      if (found === null) return null
      const { failingSince, pausedUntil } = found.webhook
      return { id, isFailing: failingSince !== null, pausedUntil }
    },
    save: async () => {},
    mustAbort: () => false,
    observe: ({ id }) => lookAtDue(db, id, clock.now(), deliveriesAtOnce),
    acts: { deliver: (act, context) => deliver(parts, act, context) },
  }
}

async function deliver(parts: SinkParts, act: SinkAct, context: ActContext): Promise<void> {
  const found = await loadWebhook(parts.db, context.lease.subject.id)
  if (found === null) return
  const receiver = { url: found.webhook.url, secret: parts.secrets.open(found.webhook.id, found.secretEnc) }
  const deliveries = await openDeliveries(parts.db, act.deliveries)
  const ended = await Promise.allSettled(deliveries.map((delivery) => deliverOne(parts, receiver, delivery, context)))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

type Receiver = { readonly url: string; readonly secret: string }

/** What was ended because the worker stops or has lost its lease counts as no try: nothing is written of it. */
async function deliverOne(parts: SinkParts, receiver: Receiver, delivery: Delivery, context: ActContext) {
  const signal = AbortSignal.any([context.signal, ...(parts.stopping === undefined ? [] : [parts.stopping])])
  const event = await eventOf(parts.db, delivery.subject, delivery.seq)
  const sent: Sent =
    event === null
      ? { kind: 'unanswered', why: 'the event is gone' }
      : await parts.send(messageOf(receiver, delivery, event, parts.clock.now()), signal)
  if (signal.aborted && sent.kind === 'unanswered') return
  await settle(parts, delivery, sent, context)
}

async function settle(parts: SinkParts, delivery: Delivery, sent: Sent, { lease }: ActContext): Promise<void> {
  const now = parts.clock.now()
  const policy = parts.policy ?? retryPolicy
  const change = afterTry(delivery, sent, { now, chance: parts.chance() }, policy)
  await fenced(parts.db, lease, async (tx) => {
    const webhook = await lockWebhook(tx, delivery.webhookId)
    if (webhook === null) return
    await updateDelivery(tx, delivery.id, change)
    if (change.endedAt !== null) await openNext(tx, delivery, now)
    const receiver = receiverAfter(webhook, sent, policy, now)
    if (receiver !== null) await noteReceiver(tx, webhook.id, receiver)
  })
}

/** What is to be noted of a receiver after a try; null: nothing is new. */
function receiverAfter(webhook: Webhook, sent: Sent, policy: RetryPolicy, now: Instant) {
  if (isDelivered(sent)) return webhook.failingSince === null ? null : { failingSince: null, pausedUntil: null }
  const failingSince = webhook.failingSince ?? now
  return { failingSince, pausedUntil: pausedAfter(policy, failingSince, now) }
}
