import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { FeatureRoutes } from '../infra/http/route.ts'
import { type PathQuestion, validatePath } from './commands/validate-path.ts'
import type { Verdict } from './core/compatibility.ts'
import type { Component, UpgradePath, Version } from './core/model.ts'
import type { RegistryDeps } from './deps.ts'
import { componentRoutes } from './routes/components.ts'
import { pathRoutes } from './routes/paths.ts'
import { versionRoutes } from './routes/versions.ts'
import { findComponent } from './store/components.ts'
import { findVersion } from './store/versions.ts'

export type { PathQuestion } from './commands/validate-path.ts'
export type { Blocker, Verdict, Warning } from './core/compatibility.ts'
export type { Component, HealthEndpoint, UpgradePath, Version } from './core/model.ts'
export { coerceVersion } from './core/versions.ts'
export type { RegistryDeps } from './deps.ts'
export type { InstalledChart, InstalledVersions } from './ports.ts'

/** What the other features ask of the registry, each inside the caller's transaction where there is one. */
export type RegistryPort = {
  /** One component, or null. */
  component(db: Db, id: Uuid): Promise<Component | null>
  /** One version of a component, or null. */
  version(db: Db, componentId: Uuid, id: Uuid): Promise<Version | null>
  /** Whether an upgrade may be. Whether the caller may see the tenant is asked before. Throws `not_found`. */
  validatePath(db: Db, question: PathQuestion): Promise<Verdict<UpgradePath>>
}

/** The port, on these tables. */
export function registryPort(deps: RegistryDeps): RegistryPort {
  return {
    component: findComponent,
    version: findVersion,
    validatePath: (db, question) => validatePath(deps, db, question),
  }
}

/** Every route of components, versions and upgrade paths. */
export function registryRoutes(deps: RegistryDeps): FeatureRoutes {
  return [...componentRoutes(deps), ...versionRoutes(deps), ...pathRoutes(deps)]
}
