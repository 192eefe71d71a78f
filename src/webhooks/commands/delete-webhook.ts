import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { type Caller, recordAudit } from '../../tenants/index.ts'
import type { WebhookDeps } from '../deps.ts'
import { removeWebhook } from '../store/webhooks.ts'
import { noSuchWebhook, requireWebhook } from './find-webhook.ts'

/**
 * Deletes a webhook with its deliveries. What is on its way may still arrive. Throws `not_found`, also for who comes
 * second of two at the same moment: what is deleted once is audited once.
 */
export async function deleteWebhook(deps: WebhookDeps, { principal, reason }: Caller, id: Uuid): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const { tenantId } = await requireWebhook(tx, principal, id)
    if (!(await removeWebhook(tx, id))) throw noSuchWebhook(id)
    await recordAudit(tx, deps, { principal, reason, tenantId, action: 'webhook.deleted', subject: `webhook/${id}` })
  })
}
