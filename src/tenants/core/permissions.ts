import { type Action, actions } from '../../core/actions.ts'
import type { Principal, Role, Uuid } from '../../core/subject.ts'

const everyone: readonly Role[] = ['platform-admin', 'tenant-operator', 'viewer']
const operators: readonly Role[] = ['platform-admin', 'tenant-operator']
const admins: readonly Role[] = ['platform-admin']

/** Which roles hold which action (SPEC section 1). Total: an action that is not in here does not compile. */
const holders: Readonly<Record<Action, readonly Role[]>> = {
  'api-key.read': admins,
  'api-key.write': admins,
  'audit.read': everyone,
  'backup.read': everyone,
  'backup.write': operators,
  'chart-source.read': admins,
  'chart-source.write': admins,
  'chart.read': everyone,
  'cluster.read': everyone,
  'event.read': everyone,
  'grant.read': admins,
  'grant.write': admins,
  'metrics.read': everyone,
  'operation.cancel': operators,
  'operation.read': everyone,
  'registry.read': everyone,
  'registry.validate': everyone,
  'registry.write': admins,
  'release.batch-upgrade': operators,
  'release.install': operators,
  'release.preview': everyone,
  'release.read': everyone,
  'release.recover': operators,
  'release.recover-forced': admins,
  'release.rollback': operators,
  'release.unfreeze': operators,
  'release.uninstall': operators,
  'release.upgrade': operators,
  'self.read': everyone,
  'tenant.read': everyone,
  'tenant.write': admins,
  'upgrade.command': operators,
  'upgrade.initiate': operators,
  'upgrade.override-checks': admins,
  'upgrade.read': everyone,
  'webhook.read': everyone,
  'webhook.write': operators,
}

/** Whether the caller's role holds the action. Which tenants it holds it for is `maySee`. */
export function mayDo(principal: Principal, action: Action): boolean {
  return holders[action].includes(principal.role)
}

/** Whether the caller may know of the tenant at all; if not, everything of it is 404. */
export function maySee(principal: Principal, tenantId: Uuid): boolean {
  return principal.tenants === 'all' || principal.tenants.includes(tenantId)
}

/** What a role may do, in the order of the catalogue. */
export function actionsOf(role: Role): readonly Action[] {
  return actions.filter((action) => holders[action].includes(role))
}

/** Nobody grants more than they hold: neither an action that their role lacks nor a tenant that they cannot see. */
export function mayGrant(by: Principal, role: Role, tenants: Principal['tenants']): boolean {
  const withinRole = actionsOf(role).every((action) => mayDo(by, action))
  const withinTenants = tenants === 'all' ? by.tenants === 'all' : tenants.every((tenant) => maySee(by, tenant))
  return withinRole && withinTenants
}
