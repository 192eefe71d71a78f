import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'

/** Which tenants a query may show: all of them, or these. */
export type Scope = 'all' | readonly Uuid[]

/** The rows of these tenants, by their column `tenant_id`. */
export const ofTenants = (tenants: readonly Uuid[]): RawBuilder<SqlBool> =>
  sql<SqlBool>`tenant_id = any(${[...tenants]}::uuid[])`
