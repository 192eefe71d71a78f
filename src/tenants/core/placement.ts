import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { mayDo, maySee } from './permissions.ts'

/** What is known when an install asks for a place. */
export type PlaceQuestion = {
  readonly principal: Principal
  readonly tenantId: Uuid
  /** Whether the tenant is registered. */
  readonly registered: boolean
  readonly namespace: string
  /** Who owns the namespace on the tenant's cluster. */
  readonly owner: Uuid | null
  /** Flotilla's own namespaces. */
  readonly own: readonly string[]
}

/** What has to be written for the place to be the tenant's. */
export type Placement = { readonly register: boolean; readonly claim: boolean }

/**
 * Where a release may live (SPEC section 2). A platform admin's install registers an unknown tenant and claims a free
 * namespace; a tenant-operator never claims one.
 * Throws `not_found`, and `namespace_not_owned` for what is the cluster's own too.
 */
export function decidePlacement(question: PlaceQuestion): Placement {
  const { principal, tenantId, registered, namespace, owner, own } = question
  const mayClaim = mayDo(principal, 'tenant.write')
  if (!maySee(principal, tenantId) || (!registered && !mayClaim)) throw noSuchTenant(tenantId)
  if (owner === tenantId) return { register: false, claim: false }
  if (owner !== null || !mayClaim || isReserved(namespace, own)) throw notOwned(namespace, tenantId)
  return { register: !registered, claim: true }
}

/** The 403 for a place that is not the tenant's and cannot become it. */
export function notOwned(namespace: string, tenantId: Uuid): Problem {
  return new Problem('namespace_not_owned', `The namespace ${namespace} does not belong to the tenant ${tenantId}`)
}

/** Throws `namespace_reserved` for `kube-*`, `default` and Flotilla's own. */
export function refuseReserved(namespace: string, own: readonly string[]): void {
  if (isReserved(namespace, own))
    throw new Problem('namespace_reserved', `The namespace ${namespace} belongs to the cluster and cannot be claimed`)
}

/** Whether a namespace is the cluster's or Flotilla's own. */
export function isReserved(namespace: string, own: readonly string[]): boolean {
  return namespace.startsWith('kube-') || namespace === 'default' || own.includes(namespace)
}

/** The 404 for a tenant that is not there or that the caller cannot see: both look alike. */
export function noSuchTenant(tenantId: Uuid): Problem {
  return new Problem('not_found', `There is no tenant ${tenantId}`)
}
