import type { ForeignObject } from './confine.ts'
import { clusterScoped } from './kinds.ts'

/** Which object a platform admin grants a chart, by the digest of its bytes. A null namespace: one of the whole cluster. */
export type GrantedKind = {
  /** Empty for the core group. */
  readonly apiGroup: string
  readonly kind: string
  readonly name: string
  readonly namespace: string | null
}

/** Kinds with a namespace that Kubernetes itself knows, by API group. */
const namespaced: Readonly<Record<string, string>> = {
  '':
    'ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota ' +
    'Secret Service ServiceAccount',
  apps: 'ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet',
  autoscaling: 'HorizontalPodAutoscaler',
  batch: 'CronJob Job',
  'coordination.k8s.io': 'Lease',
  'discovery.k8s.io': 'EndpointSlice',
  'networking.k8s.io': 'Ingress NetworkPolicy',
  policy: 'PodDisruptionBudget',
  'rbac.authorization.k8s.io': 'Role RoleBinding',
}

/** The API group of a kind of Kubernetes itself; null for any other. */
export function groupOfKind(kind: string): string | null {
  const wide = Object.entries(clusterScoped).find(([, kinds]) => kinds.includes(kind))
  const local = Object.entries(namespaced).find(([, kinds]) => kinds.split(' ').includes(kind))
  return (wide ?? local)?.[0] ?? null
}

/** Whether one of the grants is for this very object, in any version of its API. */
export function isGrantedObject(grants: readonly GrantedKind[], object: ForeignObject): boolean {
  const slash = object.apiVersion.indexOf('/')
  const apiGroup = slash < 0 ? '' : object.apiVersion.slice(0, slash)
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
