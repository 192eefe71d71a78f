import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'

/** A chart that a tenant runs, at the version that was deployed last. */
export type InstalledChart = { readonly chartName: string; readonly chartVersion: string }

/** What the registry needs of releases. */
export interface InstalledVersions {
  /** Each chart and version that the tenant's releases run, once; releases that never were DEPLOYED run none. */
  ofTenant(db: Db, tenantId: Uuid): Promise<readonly InstalledChart[]>
}
