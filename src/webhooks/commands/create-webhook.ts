import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { type Caller, maySee, noSuchTenant, type OnDone, recordAudit } from '../../tenants/index.ts'
import type { Webhook } from '../core/model.ts'
import type { WebhookDeps } from '../deps.ts'
import { countOwned, insertWebhook } from '../store/webhooks.ts'
import { receiverUrl } from './receiver-url.ts'

export type NewWebhook = {
  readonly tenantId: Uuid | null
  readonly url: string
  readonly types: readonly string[]
  readonly description: string | null
  readonly secret: string
}

/** Of one tenant, or of the platform (SECURITY.md). */
const mostWebhooks = 20

/**
 * Registers a webhook; what happens from now on is delivered. Throws `not_found` for a tenant that the caller cannot see,
 * `forbidden` where no tenant is named and the caller does not see all, what `receiverUrl` throws, and
 * `too_many_requests` past the most that one owner may have.
 */
export async function createWebhook(
  deps: WebhookDeps,
  { principal, reason }: Caller,
  wanted: NewWebhook,
  onDone: OnDone<Webhook>,
): Promise<Webhook> {
  await requireOwner(deps, principal, wanted.tenantId)
  const { href } = await receiverUrl(deps, wanted.url)
  const { secret, ...rest } = wanted
  const made = {
    id: deps.newId(),
    failingSince: null,
    pausedUntil: null,
    createdBy: principal.name,
    createdAt: deps.clock.now(),
  }
  const webhook: Webhook = { ...made, ...rest, url: href }
  const audit = { principal, reason, action: 'webhook.created', subject: `webhook/${webhook.id}` }
  await transaction(deps.db, async (tx) => {
    if ((await countOwned(tx, webhook.tenantId)) >= mostWebhooks) throw tooMany()
    await insertWebhook(tx, webhook, deps.secrets.seal(webhook.id, secret))
    await recordAudit(tx, deps, { ...audit, tenantId: webhook.tenantId })
    await onDone(tx, webhook)
  })
  return webhook
}

async function requireOwner(deps: WebhookDeps, principal: Principal, tenantId: Uuid | null): Promise<void> {
  if (tenantId === null && principal.tenants === 'all') return
  if (tenantId === null) throw new Problem('forbidden', 'Name the tenant: only platform admins are told of all events')
  if (!maySee(principal, tenantId) || !(await deps.tenants.exists(deps.db, tenantId))) throw noSuchTenant(tenantId)
}

const tooMany = (): Problem =>
  new Problem('too_many_requests', `At most ${mostWebhooks} webhooks a tenant: delete one first`, {
    extra: { retryAfterSeconds: 60 },
  })
