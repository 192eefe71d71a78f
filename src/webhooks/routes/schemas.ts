import { z } from 'zod'
import { eventTypesNear, isEventType } from '../../core/event-types.ts'
import type { Instant } from '../../core/instant.ts'
import { time, uuid } from '../../infra/http/schemas.ts'
import { rfc3339 } from '../../infra/http/time.ts'
import { type Delivery, deliveryStatuses, type Webhook } from '../core/model.ts'

const eventType = z
  .string()
  .max(100)
  .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, {
    error: 'must be a type of event or its beginning up to a dot',
    abort: true,
  })
  .refine(isEventType, {
    error: ({ input }) => `is no type of event: known are ${eventTypesNear(String(input)).join(', ')}`,
  })

export const reason = z.string().max(500).optional().describe('Kept in the audit log.')

export const newWebhook = z
  .strictObject({
    tenantId: uuid.optional().describe('Whose events are delivered. Without it all of them, for platform admins only.'),
    url: z.string().min(1).max(2048).describe('Where to; https.'),
    types: z.array(eventType).max(50).default([]).describe('Only these types, or what begins with them; none: all.'),
    description: z.string().max(500).optional(),
    secret: z
      .string()
      .min(16)
      .max(256)
      .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters without spaces')
      .meta({ format: 'password', writeOnly: true })
      .describe('Signs what is delivered. Never shown again.'),
    reason,
  })
  .meta({ id: 'NewWebhook' })

const waiting = z.strictObject({ reason: z.string(), until: time.nullable() }).nullable()

export const webhookSchema = z
  .strictObject({
    id: uuid,
    tenantId: uuid.nullable(),
    url: z.string(),
    types: z.array(z.string()),
    description: z.string().nullable(),
    failingSince: time.nullable().describe('Since when no delivery has succeeded; null: the last one did.'),
    waitingFor: waiting.describe('Why nothing is sent now, and until when: a receiver that failed is left alone.'),
    createdBy: z.string(),
    createdAt: time,
  })
  .meta({ id: 'Webhook' })

export const deliveryStatus = z.enum(deliveryStatuses)

export const delivery = z
  .strictObject({
    id: uuid.describe('The same on each try: what `Flotilla-Delivery` holds.'),
    webhookId: uuid,
    eventId: uuid,
    type: z.string(),
    subject: z.strictObject({ kind: z.string(), id: uuid }),
    seq: z.int(),
    position: z.int(),
    status: deliveryStatus,
    attempts: z.int(),
    waitingFor: waiting.describe('Why it has not been delivered yet, and when it is tried next.'),
    lastStatus: z.int().nullable().describe('What the receiver answered last.'),
    lastError: z.string().nullable(),
    redeliveryOf: uuid.nullable(),
    createdAt: time,
    endedAt: time.nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

/** A webhook as callers see it. A time until which its receiver was left alone, and that has passed, is waited for no more. */
export function presentWebhook(webhook: Webhook, now: Instant): z.input<typeof webhookSchema> {
  const { createdAt, failingSince, pausedUntil, types, ...same } = webhook
  const isLeftAlone = pausedUntil !== null && pausedUntil > now
  return {
    ...same,
    types: [...types],
    failingSince: rfc3339(failingSince),
    waitingFor: isLeftAlone ? { reason: 'RECEIVER_FAILING', until: rfc3339(pausedUntil) } : null,
    createdAt: rfc3339(createdAt),
  }
}

export function presentDelivery({ dueAt, createdAt, endedAt, ...same }: Delivery): z.input<typeof delivery> {
  const waitingFor =
    same.status === 'PENDING' ? { reason: whyWaiting(same.attempts, dueAt), until: rfc3339(dueAt) } : null
  return { ...same, waitingFor, createdAt: rfc3339(createdAt), endedAt: rfc3339(endedAt) }
}

function whyWaiting(attempts: number, dueAt: Instant | null): string {
  if (dueAt === null) return 'EARLIER_EVENT'
  return attempts === 0 ? 'QUEUED' : 'RETRY'
}
