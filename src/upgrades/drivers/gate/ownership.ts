import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { ManagedFields } from '../../../infra/kubernetes/index.ts'
import type { Fields } from '../../store/gate-row.ts'
import { equivalentJson, pick, within } from './json.ts'
import { fieldManager, type Workload } from './model.ts'

/** True while the API server names us as an owner of fields. */
export function isOwner({ metadata }: Pick<Workload, 'metadata'>): boolean {
  return metadata.managedFields?.some(({ manager }) => manager === fieldManager) === true
}

/** Which of these fields helm owns by its server-side apply. What is still of our making was helm's as noted before. Pure. */
export function ownedByHelm(live: Workload, now: Fields, wrote: Fields, before: JsonObject): JsonObject {
  const spec = appliedByHelm(live)
  const kept = Object.keys(wrote).filter((name) => equivalentJson(now[name], wrote[name]))
  const names = Object.keys(now).map((name) => `f:${name}`)
  return {
    ...pick(
      before,
      kept.map((name) => `f:${name}`),
    ),
    ...pick(spec, names),
  }
}

/** The fields of `spec` that helm owns now, as the API server's managed fields write them. Pure. */
export function appliedByHelm(live: Workload): JsonObject {
  return within(live.metadata.managedFields?.find(isHelms)?.fieldsV1, 'f:spec')
}

/**
 * The patch that takes our entries out of the managed fields (DESIGN.md, "Whose field is it"), and gives helm back what
 * it owned: a field that nobody owns would stay for ever once the chart renders it no longer. Null without an entry of
 * ours. When it is the only one it is replaced by an empty one: an empty list would change nothing. Pure.
 */
export function withdrawPatch({ metadata }: Workload, owned: JsonObject = {}): readonly JsonObject[] | null {
  const entries = metadata.managedFields ?? []
  const others = entries.filter(({ manager }) => manager !== fieldManager)
  if (others.length === entries.length) return null
  const value = others.length === 0 ? [{}] : others.map((entry) => (isHelms(entry) ? withOwned(entry, owned) : entry))
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion ?? '' },
    { op: 'replace', path: '/metadata/managedFields', value: value as unknown as readonly JsonObject[] },
  ]
}

function isHelms({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === 'helm' && operation === 'Apply' && (subresource ?? '') === ''
}

function withOwned(entry: ManagedFields, owned: JsonObject): ManagedFields {
  if (Object.keys(owned).length === 0) return entry
  return { ...entry, fieldsV1: merged(entry.fieldsV1 ?? {}, { 'f:spec': owned }) }
}

function merged(one: JsonObject, other: JsonObject): JsonObject {
  const both = Object.entries(other).map(([key, value]) => {
    const known = one[key]
    return [key, isJsonObject(known) && isJsonObject(value) ? merged(known, value) : value] as const
  })
  return { ...one, ...Object.fromEntries(both) }
}
