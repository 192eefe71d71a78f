import { jsonEqual } from './equal.ts'
import type { KubeInput, KubeObject, ObjectMeta, ResourceType } from './types.ts'

/** What the server gives a new object. */
export type Birth = { readonly name: string; readonly uid: string; readonly at: string; readonly version: number }

/** The object that a create stores. */
export function newObject(type: ResourceType, input: KubeInput, birth: Birth): KubeObject {
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, namespace, generation: ___, ...given } = input.metadata
  const metadata: ObjectMeta = {
    ...given,
    ...(type.namespaced ? { namespace: namespace ?? 'default' } : {}),
    ...(type.generation ? { generation: 1 } : {}),
    name: birth.name,
    uid: given.uid || birth.uid,
    creationTimestamp: birth.at,
    resourceVersion: String(birth.version),
  }
  return { ...input, metadata }
}

/** The object that a replace stores: what clients may not change is kept from the old one. */
export function replacedObject(type: ResourceType, old: KubeObject, input: KubeInput): KubeObject {
  const kept = keptMetadata(old.metadata)
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, generation: ___, ...given } = input.metadata
  const next: KubeObject = { ...input, metadata: { ...given, ...kept } }
  const whole = type.status ? withField(next, 'status', old.status) : next
  return type.generation && specificationChanged(old, whole) ? bumped(whole) : whole
}

/** The object that a status update stores. */
export function withStatus(old: KubeObject, input: KubeInput): KubeObject {
  const managedFields = input.metadata.managedFields ?? old.metadata.managedFields
  const metadata = managedFields === undefined ? old.metadata : { ...old.metadata, managedFields }
  return withField({ ...old, metadata }, 'status', input.status)
}

/** The same object as of another version. */
export function atVersion(object: KubeObject, version: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
}

/** Marks an object as being deleted, which also counts as a change of its specification. */
export function markedDeleted(type: ResourceType, object: KubeObject, at: string, graceSeconds: number): KubeObject {
  const metadata = { ...object.metadata, deletionTimestamp: at, deletionGracePeriodSeconds: graceSeconds }
  return type.generation ? bumped({ ...object, metadata }) : { ...object, metadata }
}

function keptMetadata(old: ObjectMeta): ObjectMeta {
  return {
    name: old.name,
    uid: old.uid,
    resourceVersion: old.resourceVersion,
    creationTimestamp: old.creationTimestamp,
    ...(old.namespace === undefined ? {} : { namespace: old.namespace }),
    ...(old.generation === undefined ? {} : { generation: old.generation }),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(old.deletionGracePeriodSeconds === undefined
      ? {}
      : { deletionGracePeriodSeconds: old.deletionGracePeriodSeconds }),
  }
}

function withField(object: KubeObject, field: string, value: unknown): KubeObject {
  if (value !== undefined) return { ...object, [field]: value }
  const { [field]: _, ...rest } = object
  return { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata }
}

function bumped(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, generation: (object.metadata.generation ?? 0) + 1 } }
}

function specificationChanged(old: KubeObject, next: KubeObject): boolean {
  const fields = new Set([...Object.keys(old), ...Object.keys(next)])
  for (const field of ['metadata', 'status', 'apiVersion', 'kind']) fields.delete(field)
  return [...fields].some((field) => !jsonEqual(old[field], next[field]))
}
