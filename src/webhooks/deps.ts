import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Resolve } from '../infra/net/reach.ts'
import type { TenantPort } from '../tenants/index.ts'
import type { Allowed } from './allow.ts'
import type { SecretSealer } from './machine.ts'

/** What commands and queries of webhooks work with. Made by `main.ts`. */
export type WebhookDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly tenants: Pick<TenantPort, 'exists'>
  readonly secrets: SecretSealer
  readonly allowed: Allowed
  readonly resolve: Resolve
}
