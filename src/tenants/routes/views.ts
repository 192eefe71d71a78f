import { rfc3339 } from '../../infra/http/time.ts'
import type { AuditEntry } from '../store/audit.ts'
import type { ApiKey } from '../store/keys.ts'
import type { Tenant } from '../store/tenants.ts'

export function presentKey(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    tenants: [...key.tenants],
    createdBy: key.createdBy,
    createdAt: rfc3339(key.createdAt),
    expiresAt: rfc3339(key.expiresAt),
    lastUsedAt: rfc3339(key.lastUsedAt),
    revokedAt: rfc3339(key.revokedAt),
  }
}

export function presentTenant(tenant: Tenant) {
  return {
    id: tenant.id,
    name: tenant.name,
    clusterId: tenant.clusterId,
    namespaces: [...tenant.namespaces],
    platformVersion: tenant.platformVersion,
  }
}

export function presentAudit(entry: AuditEntry) {
  return { ...entry, at: rfc3339(entry.at) }
}
