import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { type Caller, recordAudit } from '../../tenants/index.ts'
import type { Webhook } from '../core/model.ts'
import type { WebhookDeps } from '../deps.ts'
import { removeWebhook, visibleWebhook } from '../store/webhooks.ts'

/** A webhook that the caller may see. Throws `not_found`: another tenant's looks unknown. */
export async function requireWebhook(db: Db | Tx, { tenants }: Principal, id: Uuid): Promise<Webhook> {
  const webhook = await visibleWebhook(db, tenants, id)
  if (webhook === null) throw noSuchWebhook(id)
  return webhook
}

export const noSuchWebhook = (id: Uuid): Problem => new Problem('not_found', `There is no webhook ${id}`)

/** Deletes a webhook with its deliveries. What is on its way may still arrive. Throws `not_found`. */
export async function deleteWebhook(deps: WebhookDeps, { principal, reason }: Caller, id: Uuid): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const { tenantId } = await requireWebhook(tx, principal, id)
    await removeWebhook(tx, id)
    await recordAudit(tx, deps, { principal, reason, tenantId, action: 'webhook.deleted', subject: `webhook/${id}` })
  })
}
