import type { Config } from '../config.ts'
import type { RegistryDeps } from '../registry/index.ts'
import { deployedCharts, type ReleaseDeps } from '../releases/index.ts'
import type { TenantPort } from '../tenants/index.ts'

/** Joins the registry: what a tenant runs, it asks of releases. */
export function registryDeps(
  { platformVersion }: Config,
  { db, clock, newId }: Pick<ReleaseDeps, 'db' | 'clock' | 'newId'>,
  tenants: TenantPort,
): RegistryDeps {
  return { db, clock, newId, platformVersion, tenants, installed: { ofTenant: deployedCharts } }
}
