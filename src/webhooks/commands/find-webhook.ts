import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Webhook } from '../core/model.ts'
import { visibleWebhook } from '../store/webhooks.ts'

/** A webhook that the caller may see. Throws `not_found`: another tenant's looks unknown. */
export async function requireWebhook(db: Db | Tx, { tenants }: Principal, id: Uuid): Promise<Webhook> {
  const webhook = await visibleWebhook(db, tenants, id)
  if (webhook === null) throw noSuchWebhook(id)
  return webhook
}

export const noSuchWebhook = (id: Uuid): Problem => new Problem('not_found', `There is no webhook ${id}`)
