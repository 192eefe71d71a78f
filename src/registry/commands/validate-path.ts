import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import { noSuchTenant } from '../../tenants/index.ts'
import { judge, type Verdict } from '../core/compatibility.ts'
import type { UpgradePath } from '../core/model.ts'
import { findRoutes } from '../core/paths.ts'
import { coerceVersion } from '../core/versions.ts'
import type { RegistryDeps } from '../deps.ts'
import { type Ends, graphOf, loadEnds, whole } from './find-routes.ts'
import { installedComponents } from './installed.ts'

/** An upgrade that is asked about. */
export type PathQuestion = Ends & {
  /** Whose releases and platform version count; null: nobody's. */
  readonly tenantId: Uuid | null
  /** Name of a component to its version; each overrides what the tenant's releases say. Readable as versions. */
  readonly installedComponents: Readonly<Record<string, string>>
}

/**
 * Whether an upgrade may be, by SPEC section 4, with everything that blocks it and everything that it warns of; `path` is
 * the best route. Whether the caller may see the tenant is the caller's matter. Throws `not_found`.
 */
export async function validatePath(
  deps: Omit<RegistryDeps, 'db'>,
  db: Db,
  question: PathQuestion,
): Promise<Verdict<UpgradePath>> {
  const { from, to } = await loadEnds(db, question)
  const { platformVersion, installed } = await surroundings(deps, db, question)
  const graph = await graphOf(db, question.componentId)
  const [route = null] = await whole(db, findRoutes(graph, question.fromVersionId, question.toVersionId, 1))
  return judge({ from, to, route, platformVersion, installed })
}

/** The platform, and which components run in which versions. A platform version that cannot be read is not known. */
async function surroundings(deps: Omit<RegistryDeps, 'db'>, db: Db, question: PathQuestion) {
  const { tenantId } = question
  const tenant = tenantId === null ? null : await deps.tenants.read(db, tenantId)
  if (tenantId !== null && tenant === null) throw noSuchTenant(tenantId)
  const known = tenantId === null ? [] : await installedComponents(deps, db, tenantId)
  const given = Object.entries(question.installedComponents).map(([name, version]) => [name, [version]] as const)
  return {
    platformVersion: coerceVersion(tenant?.platformVersion ?? deps.platformVersion ?? ''),
    installed: new Map([...known.map(({ component, versions }) => [component.name, versions] as const), ...given]),
  }
}
