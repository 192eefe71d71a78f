import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { wake } from '../../infra/engine/index.ts'
import { type Caller, type OnDone, recordAudit } from '../../tenants/index.ts'
import type { Delivery } from '../core/model.ts'
import type { WebhookDeps } from '../deps.ts'
import { hurryOpen, insertDelivery, lockDelivery, updateDelivery } from '../store/deliveries.ts'
import { lockWebhook, noteReceiver } from '../store/webhooks.ts'
import { noSuchWebhook } from './find-webhook.ts'

export type RedeliverIds = { readonly webhookId: Uuid; readonly deliveryId: Uuid }

/**
 * Delivers an event once more, now: one that waits for its next try is tried; of one that waits behind others those are, and it
 * follows them, as the order of its subject wants it; one that has ended gets a new delivery of the same event. A receiver
 * that is left alone because it failed is asked. Throws `not_found`.
 */
export async function redeliver(
  deps: WebhookDeps,
  { principal, reason }: Caller,
  { webhookId, deliveryId }: RedeliverIds,
  onDone: OnDone<Delivery>,
): Promise<Delivery> {
  return transaction(deps.db, async (tx) => {
    const webhook = await lockWebhook(tx, webhookId, principal.tenants)
    if (webhook === null) throw noSuchWebhook(webhookId)
    const { tenantId } = webhook
    const known = await lockDelivery(tx, webhookId, deliveryId)
    if (known === null) throw new Problem('not_found', `The webhook has no delivery ${deliveryId}`)
    const next = await again(tx, deps, known)
    await noteReceiver(tx, webhookId, { ...webhook, pausedUntil: null })
    await wake(tx, { kind: 'sink', id: webhookId })
    const subject = `webhook/${webhookId}`
    await recordAudit(tx, deps, { principal, reason, tenantId, action: 'webhook.redelivered', subject })
    await onDone(tx, next)
    return next
  })
}

async function again(tx: Tx, deps: WebhookDeps, known: Delivery): Promise<Delivery> {
  const now = deps.clock.now()
  if (known.status === 'PENDING' && known.dueAt === null) {
    await hurryOpen(tx, known, now)
    return known
  }
  if (known.status === 'PENDING') {
    const soon = { ...known, dueAt: now }
    await updateDelivery(tx, known.id, soon)
    return soon
  }
  const fresh = {
    status: 'PENDING',
    attempts: 0,
    dueAt: now,
    lastStatus: null,
    lastError: null,
    endedAt: null,
  } as const
  const next: Delivery = { ...known, ...fresh, id: deps.newId(), redeliveryOf: known.id, createdAt: now }
  await insertDelivery(tx, next)
  return next
}
