import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { splitManifest } from '../../infra/helm/manifest.ts'
import { type WorkloadKind, type WorkloadRef, workloadKinds } from '../core/model.ts'
import { within } from './gate/json.ts'

/** An object as a chart renders it. */
export type Rendered = {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly isHook: boolean
  readonly body: JsonObject
}

/** The objects of a manifest as Helm keeps it. Throws where it is no YAML, without its text: it may hold Secrets. */
export function objectsOf(manifest: string): readonly Rendered[] {
  return renderedObjects(splitManifest(manifest).map(({ object }) => object))
}

/** Rendered objects, lists opened; what has no kind or name is left out. Pure. */
export function renderedObjects(objects: readonly JsonObject[]): readonly Rendered[] {
  return objects.flatMap((body) => {
    const { apiVersion, kind, items } = body
    if (Array.isArray(items) && String(kind).endsWith('List')) return renderedObjects(items.filter(isJsonObject))
    const { name, annotations } = within(body, 'metadata')
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return []
    const isHook = isJsonObject(annotations) && typeof annotations['helm.sh/hook'] === 'string'
    return [{ apiVersion, kind, name, isHook, body }]
  })
}

/** The workloads among them whose pods can be instances. Pure. */
export function workloadsOf(objects: readonly Rendered[]): readonly (Rendered & { readonly kind: WorkloadKind })[] {
  return objects.flatMap((each) => {
    const kind = workloadKinds.find((one) => one === each.kind)
    return kind === undefined || each.apiVersion !== 'apps/v1' || each.isHook ? [] : [{ ...each, kind }]
  })
}

export const isSame = (one: WorkloadRef, other: WorkloadRef): boolean =>
  one.kind === other.kind && one.name === other.name

/** `Deployment web`. */
export const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind} ${name}`
