import type { FeatureRoutes } from '../../infra/http/route.ts'
import type { WebhookDeps } from '../deps.ts'
import { getDeliveries, postRedelivery } from './deliveries.ts'
import { getWebhook, getWebhooks, postWebhook, removeWebhook } from './webhooks.ts'

/** Every route of webhooks. */
export function webhookRoutes(deps: WebhookDeps): FeatureRoutes {
  return [
    postWebhook(deps),
    getWebhooks(deps),
    getWebhook(deps),
    removeWebhook(deps),
    getDeliveries(deps),
    postRedelivery(deps),
  ]
}
