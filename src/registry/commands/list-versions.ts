import type { Uuid } from '../../core/subject.ts'
import type { Version } from '../core/model.ts'
import { compareVersions } from '../core/versions.ts'
import type { RegistryDeps } from '../deps.ts'
import { findComponent } from '../store/components.ts'
import { findVersions, type VersionEntry, type VersionFilter, versionEntries } from '../store/versions.ts'
import { noSuchComponent } from './change.ts'

export const versionOrders = ['createdAt', '-createdAt', 'version', '-version'] as const
export type VersionOrder = (typeof versionOrders)[number]

/** A version's place in a list in any order. */
export type VersionPlace = { readonly id: Uuid; readonly version: string; readonly createdAt: number }

/** The versions of a component in one order, readable from any place on. */
export type VersionList = {
  readonly total: number
  after(place: VersionPlace | null, limit: number): Promise<readonly Version[]>
}

/**
 * The versions of a component that a filter leaves. Semver order is not SQL's, so the places of all of them are read and
 * sorted here; whole rows only for what is answered. Throws `not_found` for an unknown component.
 */
export async function listVersions(
  deps: RegistryDeps,
  componentId: Uuid,
  filter: VersionFilter,
  order: VersionOrder,
): Promise<VersionList> {
  if ((await findComponent(deps.db, componentId)) === null) throw noSuchComponent(componentId)
  const compare = comparisons[order]
  const entries = [...(await versionEntries(deps.db, componentId, filter))].sort(compare)
  return {
    total: entries.length,
    after: async (place, limit) => {
      const rest = place === null ? entries : entries.filter((entry) => compare(entry, place) > 0)
      return inOrder(deps, rest.slice(0, limit))
    },
  }
}

async function inOrder(deps: RegistryDeps, entries: readonly VersionEntry[]): Promise<readonly Version[]> {
  const versions = await findVersions(
    deps.db,
    entries.map(({ id }) => id),
  )
  const byId = new Map(versions.map((version) => [version.id, version]))
  return entries.flatMap(({ id }) => byId.get(id) ?? [])
}

type Compare = (a: VersionPlace, b: VersionPlace) => number

const byId: Compare = (a, b) => (a.id < b.id ? -1 : Number(a.id > b.id))
const byTime: Compare = (a, b) => a.createdAt - b.createdAt || byId(a, b)
const bySemver: Compare = (a, b) => compareVersions(a.version, b.version) || byId(a, b)
const reversed =
  (compare: Compare): Compare =>
  (a, b) =>
    compare(b, a)

const comparisons: Readonly<Record<VersionOrder, Compare>> = {
  createdAt: byTime,
  '-createdAt': reversed(byTime),
  version: bySemver,
  '-version': reversed(bySemver),
}
