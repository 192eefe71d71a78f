import type { ForeignObject } from './confine.ts'
import { groupIn } from './kinds.ts'

/** Which object a platform admin grants a chart, by the digest of its bytes. A null namespace: one of the whole cluster. */
export type GrantedKind = {
  /** Empty for the core group. */
  readonly apiGroup: string
  readonly kind: string
  readonly name: string
  readonly namespace: string | null
}

/** Whether one of the grants is for this very object, in any version of its API. */
export function isGrantedObject(grants: readonly GrantedKind[], object: ForeignObject): boolean {
  const apiGroup = groupIn(object.apiVersion)
  return grants.some(
    (grant) =>
      grant.apiGroup === apiGroup &&
      grant.kind === object.kind &&
      grant.name === object.name &&
      grant.namespace === object.namespace,
  )
}

/**
 * The name of a kind in a path: its plural as Kubernetes makes one of a kind. A custom kind with another plural is not
 * reached by a grant: it fails closed.
 */
export function resourceOfKind(kind: string): string {
  const word = kind.toLowerCase()
  if (word === 'endpoints') return word
  if (word.endsWith('s')) return `${word}es`
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`
}
