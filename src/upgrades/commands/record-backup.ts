import { malformed, Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { maySee, noSuchTenant, type OnDone, recordAudit, type Tenant } from '../../tenants/index.ts'
import type { UpgradeDeps } from '../deps.ts'
import { type Backup, insertBackup } from '../store/backups.ts'

/** A backup that somebody has taken. */
export type NewBackup = { readonly namespace: string; readonly takenAt: string; readonly reference: string }

/**
 * Records a backup of one of a tenant's namespaces. Throws `Problem` not_found, namespace_not_owned, and malformed for
 * one that is yet to be taken.
 */
export async function recordBackup(
  deps: UpgradeDeps,
  { principal, reason }: { readonly principal: Principal; readonly reason?: string | undefined },
  tenantId: Uuid,
  wanted: NewBackup,
  onDone: OnDone<Backup>,
): Promise<Backup> {
  const tenant = await visibleTenant(deps, principal, tenantId)
  const now = deps.clock.now()
  const takenAt = Date.parse(wanted.takenAt)
  if (takenAt > now) throw malformed('/takenAt', 'must not be in the future')
  if (!tenant.namespaces.includes(wanted.namespace))
    throw new Problem('namespace_not_owned', `The namespace ${wanted.namespace} does not belong to the tenant`)
  const { namespace, reference } = wanted
  const made = { tenantId, namespace, takenAt, reference, recordedBy: principal.name, createdAt: now }
  const backup: Backup = { id: deps.newId(), ...made }
  await transaction(deps.db, async (tx) => {
    await insertBackup(tx, backup)
    await recordAudit(tx, deps, {
      ...{ principal, reason, action: 'backup.recorded', subject: `backup/${backup.id}`, tenantId },
    })
    await onDone(tx, backup)
  })
  return backup
}

/** The tenant, if the caller may see it. Throws `Problem` not_found. */
export async function visibleTenant(deps: UpgradeDeps, principal: Principal, id: Uuid): Promise<Tenant> {
  const tenant = maySee(principal, id) ? await deps.ports.tenants.read(deps.db, id) : null
  if (tenant === null) throw noSuchTenant(id)
  return tenant
}
