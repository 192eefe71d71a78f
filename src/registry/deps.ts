import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { TenantPort } from '../tenants/index.ts'
import type { InstalledVersions } from './ports.ts'

/** What the registry works with. Made by `main.ts`. */
export type RegistryDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  /** `PLATFORM_VERSION`: that of tenants that name none. */
  readonly platformVersion: string | null
  readonly tenants: Pick<TenantPort, 'read'>
  readonly installed: InstalledVersions
}
