import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { ManagedFields } from '../../../infra/kubernetes/index.ts'
import type { Fields } from '../../store/gate-row.ts'
import { equivalentJson, omit, pick, within } from './json.ts'
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
 * it owned: a field that nobody owns would stay for ever once the chart renders it no longer. `carried`: fields of `spec` that are ours
 * in the name of whoever made the object anew, with what was on it; they are taken out of those entries too. Null where nothing
 * of all that is there. When no entry is left that is replaced by an empty one: an empty list would change nothing. Pure.
 */
export function withdrawPatch(
  { metadata }: Pick<Workload, 'metadata'>,
  owned: JsonObject = {},
  carried: readonly string[] = [],
): readonly JsonObject[] | null {
  const entries = metadata.managedFields ?? []
  const others = entries.filter(({ manager }) => manager !== fieldManager)
  const isCarried = others.some((entry) => carries(entry, carried))
  if (others.length === entries.length && !isCarried) return null
  const rest = others.flatMap((entry) => (isHelms(entry) ? withOwned(entry, owned) : withoutCarried(entry, carried)))
  const value = rest.length === 0 ? [{}] : rest
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion ?? '' },
    { op: 'replace', path: '/metadata/managedFields', value: value as unknown as readonly JsonObject[] },
  ]
}

function carries(entry: ManagedFields, names: readonly string[]): boolean {
  const spec = within(entry.fieldsV1, 'f:spec')
  return !isHelms(entry) && names.some((name) => spec[`f:${name}`] !== undefined)
}

/** None where nothing else is left: an empty set would own what it lies in. */
function withoutCarried(entry: ManagedFields, names: readonly string[]): readonly ManagedFields[] {
  if (!carries(entry, names)) return [entry]
  const spec = omit(within(entry.fieldsV1, 'f:spec'), ...names.map((name) => `f:${name}`))
  const rest = omit(entry.fieldsV1 ?? {}, 'f:spec')
  const fieldsV1 = Object.keys(spec).length === 0 ? rest : { ...rest, 'f:spec': spec }
  return Object.keys(fieldsV1).length === 0 ? [] : [{ ...entry, fieldsV1 }]
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
