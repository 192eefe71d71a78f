import type { Instant } from '../../core/instant.ts'
import type { Subject, Uuid } from '../../core/subject.ts'

/** Somebody who is told of events. Its secret is nowhere in it. */
export type Webhook = {
  readonly id: Uuid
  /** Whose events it gets; null: everything, for the platform. */
  readonly tenantId: Uuid | null
  readonly url: string
  /** Types, or their beginnings up to a dot; none: all. */
  readonly types: readonly string[]
  readonly description: string | null
  /** When deliveries began to fail, while none since has succeeded. */
  readonly failingSince: Instant | null
  /** Until when nothing is sent, because it failed last. */
  readonly pausedUntil: Instant | null
  readonly createdBy: string
  readonly createdAt: Instant
}

export const deliveryStatuses = ['PENDING', 'DELIVERED', 'FAILED'] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** One event on its way to one webhook. */
export type Delivery = {
  readonly id: Uuid
  readonly webhookId: Uuid
  readonly subject: Subject
  /** The number of the event within its subject. */
  readonly seq: number
  /** Its place in the order over all subjects. */
  readonly position: number
  readonly eventId: Uuid
  readonly type: string
  readonly status: DeliveryStatus
  readonly attempts: number
  /** When it is tried next; null while it waits behind an earlier one of its subject, and once it has ended. */
  readonly dueAt: Instant | null
  /** What the receiver answered last; null where it gave no answer. */
  readonly lastStatus: number | null
  /** Why there was no answer, or why it is no success. */
  readonly lastError: string | null
  readonly redeliveryOf: Uuid | null
  readonly createdAt: Instant
  readonly endedAt: Instant | null
}

/** What came of sending: an answer's status, or why there was none. */
export type Sent =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unanswered'; readonly why: string }
