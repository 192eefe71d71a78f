import type { FeatureRoutes } from '../infra/http/route.ts'

/** The release of Flotilla, as the API and its document name it. */
export const version = '0.1.0'

/** The routes of every feature. A new feature stands here, and so both in the server and in `openapi.json`. */
export type ApiParts = {
  readonly releases: FeatureRoutes
  readonly upgrades: FeatureRoutes
  readonly registry: FeatureRoutes
  readonly charts: FeatureRoutes
  readonly tenants: FeatureRoutes
  readonly activity: FeatureRoutes
  readonly webhooks: FeatureRoutes
}

/** All routes, in the order in which the documentation shows them. */
export function apiRoutes(parts: ApiParts): readonly FeatureRoutes[] {
  const { releases, upgrades, registry, charts, tenants, activity, webhooks } = parts
  return [releases, upgrades, registry, charts, tenants, activity, webhooks]
}
