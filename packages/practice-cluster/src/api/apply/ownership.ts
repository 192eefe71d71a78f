import type { Schema } from '../../resources/schema.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput, ManagedFieldsEntry, ObjectMeta } from '../../store/types.ts'
import { type Comparison, compare } from './compare.ts'
import { type Conflict, conflictError } from './conflicts.ts'
import { type FieldSet, fieldsOf } from './fieldset.ts'
import { keyOf, type Manager, type Owned, type Owners, readOwners, startingOwners, writeOwners } from './managers.ts'
import { mergeApplied, prune } from './merge.ts'

/** A write in the name of a manager. */
export type Write = {
  readonly schema: Schema
  readonly manager: Manager
  readonly time: string
  /** Whether an apply takes fields that others own. */
  readonly force: boolean
  /** Whether the write leaves `status` alone, so that nobody comes to own it. */
  readonly ignoreStatus: boolean
}

const UNTRACKED = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
  'clusterName',
])

/** Every object has it, whoever owns what in it: its name, too, is a field that the applier gives. */
const METADATA = 'f:metadata'

/** The part of an object that managers can own: without its identity and what the server keeps itself. */
function trackable(object: KubeInput | undefined, { ignoreStatus }: Write): Record<string, unknown> {
  if (object === undefined) return {}
  const { apiVersion: _, kind: __, metadata, status, ...others } = object
  const rest = ignoreStatus || status === undefined ? others : { ...others, status }
  const tracked = Object.entries(metadata).filter(([key, value]) => !UNTRACKED.has(key) && value !== undefined)
  return tracked.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(tracked) }
}

/** `next` with the managedFields after an ordinary write: its manager owns what it changed, everybody else loses it. */
export function withUpdatedOwners(live: KubeInput | undefined, next: KubeInput, write: Write): KubeInput {
  const start = startingOwners(live, next, write.manager.subresource)
  const changes = compare(trackable(live, write), trackable(next, write), write.schema)
  return withManagedFields(next, writeOwners(ownersAfterUpdate(start, changes, write)))
}

function ownersAfterUpdate(start: Owners, changes: Comparison, { manager, time }: Write): Owners {
  const key = keyOf(manager)
  const own = new Set([...(start.get(key)?.fields ?? []), ...changes.modified, ...changes.added])
  const others = withoutOwned(start, key, [changes.modified, changes.added, changes.removed])
  const unchanged = changes.modified.size + changes.added.size + changes.removed.size === 0
  if (unchanged) return start
  const fields = difference(own, changes.removed)
  const owned: Owned = {
    manager,
    fields,
    time: jsonEqual([...fields], [...(start.get(key)?.fields ?? [])]) ? (start.get(key)?.time ?? time) : time,
  }
  return new Map([...others, [key, owned]])
}

function withoutOwned(owners: Owners, except: string, lost: readonly FieldSet[]): Map<string, Owned> {
  const entries = [...owners].filter(([key]) => key !== except)
  return new Map(
    entries
      .map(([key, owned]) => [key, { ...owned, fields: lost.reduce<FieldSet>(difference, owned.fields) }] as const)
      .filter(([, owned]) => owned.fields.size > 0),
  )
}

function difference(set: FieldSet, without: FieldSet): FieldSet {
  return without.size === 0 ? set : new Set([...set].filter((path) => !without.has(path)))
}

/**
 * The object after a server-side apply of `config`. `finish` fills in the defaults and what the server decides.
 * @throws ApiError 409 when somebody else owns a field that changes, unless forced.
 */
export function applied(
  live: KubeInput | undefined,
  config: KubeInput,
  write: Write,
  finish: (object: KubeInput) => KubeInput,
): KubeInput {
  const key = keyOf(write.manager)
  const owners = readOwners(live?.metadata.managedFields)
  const fields = fieldsOf(trackable(config, write), write.schema)
  const others = [...owners].filter(([other]) => other !== key)
  const merged = mergeApplied(live ?? { metadata: {} }, config, write.schema)
  const last = owners.get(key)?.fields ?? new Set<string>()
  const owned = new Set([METADATA, ...fields, ...others.flatMap(([, each]) => [...each.fields])])
  const next = finish(prune(merged, write.schema, last, owned) as KubeInput)
  const changes = compare(trackable(live, write), trackable(next, write), write.schema)
  const conflicts = conflictsWith(others, changes, fields)
  if (conflicts.length > 0 && !write.force) throw conflictError(conflicts)
  const left = withoutOwned(owners, key, [...conflicts.map((each) => new Set([each.path])), changes.removed])
  const time = sameFields(owners.get(key), fields) ? (owners.get(key)?.time ?? write.time) : write.time
  const touched = isNothing(changes) ? time : write.time
  // Who gives nothing owns nothing, and is named no more.
  if (fields.size === 0) left.delete(key)
  else left.set(key, { manager: write.manager, fields, time: touched })
  return withManagedFields(next, writeOwners(left))
}

const isNothing = ({ added, modified, removed }: Comparison): boolean => added.size + modified.size + removed.size === 0

function sameFields(owned: Owned | undefined, fields: FieldSet): boolean {
  return owned !== undefined && owned.fields.size === fields.size && [...fields].every((path) => owned.fields.has(path))
}

/** What the server itself makes of a write, `data` of `stringData`, is in conflict with nobody: only fields that were given are. */
function conflictsWith(
  others: readonly (readonly [string, Owned])[],
  changes: Comparison,
  given: FieldSet,
): Conflict[] {
  return others.flatMap(([, { manager, fields, time }]) =>
    [...fields]
      .filter((path) => given.has(path) && (changes.modified.has(path) || changes.added.has(path)))
      .sort()
      .map((path) => ({ manager, time, path })),
  )
}

function withManagedFields(object: KubeInput, managedFields: readonly ManagedFieldsEntry[]): KubeInput {
  const { managedFields: _, ...rest } = object.metadata
  const metadata: Partial<ObjectMeta> = managedFields.length === 0 ? rest : { ...rest, managedFields }
  return { ...object, metadata }
}
