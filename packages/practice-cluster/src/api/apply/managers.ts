import type { KubeInput, ManagedFieldsEntry } from '../../store/types.ts'
import { decodeFields, encodeFields, type FieldSet, isObject, SEPARATOR } from './fieldset.ts'

/** Who writes: the key of an entry of `metadata.managedFields`. */
export type Manager = {
  readonly name: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
}

export type Owned = { readonly manager: Manager; readonly fields: FieldSet; readonly time: string | undefined }

/** All owners of an object's fields, by `keyOf` their manager. */
export type Owners = ReadonlyMap<string, Owned>

/** What identifies a manager: an applier is the same in every version of the API. */
export function keyOf({ name, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource])
}

/** The owners that `metadata.managedFields` lists. */
export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owners {
  const owners = (entries ?? []).filter((entry) => entry.manager !== undefined).map(readOwner)
  return new Map(owners.map((owned) => [keyOf(owned.manager), owned]))
}

const readOwner = (entry: ManagedFieldsEntry): Owned => ({
  manager: {
    name: entry.manager,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    subresource: entry.subresource ?? '',
  },
  fields: decodeFields(isObject(entry.fieldsV1) ? entry.fieldsV1 : {}),
  time: entry.time,
})

/** The entries of `metadata.managedFields`: appliers first, then by time and name. */
export function writeOwners(owners: Owners): ManagedFieldsEntry[] {
  return [...owners.values()]
    .filter(({ fields, manager }) => fields.size > 0 || manager.operation === 'Apply')
    .map(writeOwner)
    .sort((a, b) => compareText(orderOf(a), orderOf(b)))
}

const orderOf = (entry: ManagedFieldsEntry): string =>
  [entry.operation, entry.time ?? '', entry.manager, entry.apiVersion, entry.subresource ?? ''].join(SEPARATOR)

const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

function writeOwner({ manager, fields, time }: Owned): ManagedFieldsEntry {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFields(fields),
    ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
  }
}

/**
 * The owners that a write starts from. A client may edit managedFields itself: what it sends counts, `[{}]` clears
 * them, and leaving them out keeps the stored ones. A subresource always starts from the stored ones.
 */
export function startingOwners(live: KubeInput | undefined, sent: KubeInput, subresource: string): Owners {
  const stored = readOwners(live?.metadata.managedFields)
  const given = sent.metadata.managedFields
  if (subresource !== '' || given === undefined || given.length === 0) return stored
  return readOwners(given)
}
