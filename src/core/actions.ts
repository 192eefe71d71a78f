/**
 * Everything that a permission can be given for, as `thing.verb`. A route names the one it needs; which roles hold it
 * stands in `tenants/core/permissions.ts`, a total table: a new action does not compile until it is in there.
 */
export const actions = [
  'api-key.read',
  'api-key.write',
  'audit.read',
  'backup.read',
  'backup.write',
  'chart.read',
  'chart-source.read',
  'chart-source.write',
  'cluster.read',
  'event.read',
  'grant.read',
  'grant.write',
  'metrics.read',
  'operation.cancel',
  'operation.read',
  'registry.read',
  'registry.validate',
  'registry.write',
  'release.batch-upgrade',
  'release.install',
  'release.preview',
  'release.read',
  'release.recover',
  'release.recover-forced',
  'release.rollback',
  'release.unfreeze',
  'release.uninstall',
  'release.upgrade',
  'self.read',
  'tenant.read',
  'tenant.write',
  'upgrade.command',
  'upgrade.initiate',
  'upgrade.override-checks',
  'upgrade.read',
] as const

export type Action = (typeof actions)[number]
