import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { NamedEdge } from '../core/compatibility.ts'
import type { UpgradePath, Version } from '../core/model.ts'
import { countRoutes, findRoutes, type Graph, type Route } from '../core/paths.ts'
import type { RegistryDeps } from '../deps.ts'
import { findComponent } from '../store/components.ts'
import { edgesOf, findPaths } from '../store/paths.ts'
import { findVersion, versionEntries } from '../store/versions.ts'
import { noSuchComponent, noSuchVersion } from './change.ts'

/** Two versions of one component. */
export type Ends = { readonly componentId: Uuid; readonly fromVersionId: Uuid; readonly toVersionId: Uuid }

/** The best routes, and how many there are in all: more than a number may hold. */
export type Routes = { readonly routes: readonly Route<UpgradePath>[]; readonly total: bigint }

/** The best routes between two versions of a component, best first, at most `limit`. Throws `not_found`. */
export async function routesBetween({ db }: RegistryDeps, ends: Ends, limit: number): Promise<Routes> {
  await loadEnds(db, ends)
  const graph = await graphOf(db, ends.componentId)
  const { fromVersionId, toVersionId } = ends
  const routes = await whole(db, findRoutes(graph, fromVersionId, toVersionId, limit))
  return { routes, total: countRoutes(graph, fromVersionId, toVersionId) }
}

/** The two versions, of the component. Throws `not_found` for whatever is not there. */
export async function loadEnds(
  db: Db,
  { componentId, fromVersionId, toVersionId }: Ends,
): Promise<{ readonly from: Version; readonly to: Version }> {
  if ((await findComponent(db, componentId)) === null) throw noSuchComponent(componentId)
  const from = await findVersion(db, componentId, fromVersionId)
  if (from === null) throw noSuchVersion(fromVersionId)
  const to = await findVersion(db, componentId, toVersionId)
  if (to === null) throw noSuchVersion(toVersionId)
  return { from, to }
}

/** The upgrade graph of a component. */
export async function graphOf(db: Db, componentId: Uuid): Promise<Graph<NamedEdge>> {
  const [versions, edges] = [await versionEntries(db, componentId), await edgesOf(db, componentId)]
  return { versions, edges }
}

/** Routes with everything that is known of their steps. */
export async function whole(db: Db, routes: readonly Route<NamedEdge>[]): Promise<readonly Route<UpgradePath>[]> {
  const paths = await findPaths(db, [...new Set(routes.flat().map(({ id }) => id))])
  return routes.map((route) => route.flatMap(({ id }) => paths.get(id) ?? []))
}
