import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { listItems } from '../../core/list-items.ts'
import { Problem } from '../../core/problems.ts'
import { groupIn, isClusterScoped } from './kinds.ts'

/** An object that a chart renders outside of its release's namespace; `namespace` is null for one of the whole cluster. */
export type ForeignObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string | null
}

/** True when a platform admin has granted the chart this object. */
export type Granted = (object: ForeignObject) => boolean

/**
 * What a rendered chart (hooks and CRDs included) holds outside of the release's namespace. It only says early what the
 * gateway and RBAC enforce (SPEC section 2): a chart may render otherwise in the cluster, and kinds that the table does
 * not know are left to them.
 */
export function foreignObjects(objects: readonly JsonObject[], namespace: string): readonly ForeignObject[] {
  return objects.flatMap(listItems).flatMap((object) => foreignPart(object, namespace) ?? [])
}

/** A chart, and where it is to go. */
export type Placed = { readonly digest: string; readonly namespace: string }

/** Throws `outside_namespace`, naming the first of these objects that is not granted, and the chart that would need it. */
export function refuseForeign(foreign: readonly ForeignObject[], placed: Placed, granted: Granted): void {
  const refused = foreign.find((object) => !granted(object))
  if (refused !== undefined) throw outside(refused, placed)
}

function outside(object: ForeignObject, { digest, namespace }: Placed): Problem {
  const where = object.namespace === null ? 'belongs to the whole cluster' : `is in the namespace ${object.namespace}`
  const detail = `${object.kind} ${object.name} ${where}; the release may only reach into ${namespace}`
  return new Problem('outside_namespace', detail, { extra: { object, chartDigest: digest } })
}

function foreignPart(object: JsonObject, ownNamespace: string): ForeignObject | null {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {}
  const named = { apiVersion: text(object.apiVersion), kind: text(object.kind), name: nameOf(metadata) }
  if (isClusterScoped(groupIn(named.apiVersion), named.kind)) return { ...named, namespace: null }
  const namespace = text(metadata.namespace)
  return namespace === '' || namespace === ownNamespace ? null : { ...named, namespace }
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const nameOf = (metadata: JsonObject): string => text(metadata.name) || `${text(metadata.generateName)}*`
