import type { Kysely } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'

type Tables = {
  clusters: { id: Uuid; name: string; context: string; created_at: Date }
  tenants: { id: Uuid; name: string; cluster_id: Uuid; platform_version: string | null; created_at: Date }
  namespaces: { cluster_id: Uuid; name: string; tenant_id: Uuid; created_at: Date }
  api_keys: {
    id: Uuid
    name: string
    secret_hash: Buffer
    role: string
    tenants: Uuid[]
    created_by: string
    created_at: Date
    expires_at: Date | null
    last_used_at: Date | null
    revoked_at: Date | null
  }
  audit: {
    id: Uuid
    at: Date
    principal_id: string
    performed_by: string
    tenant_id: Uuid | null
    action: string
    subject: string
    outcome: string
    reason: string | null
    operation_id: Uuid | null
  }
}

/** The tables of this feature. */
export const tables = (db: Db | Tx) => (db as Kysely<unknown>).withTables<Tables>()
