import type { ObjectName, Resource, Selection } from './types.ts'

const core = (kind: string, plural: string): Resource => ({ group: '', version: 'v1', plural, kind, namespaced: true })
const apps = (kind: string, plural: string): Resource => ({ ...core(kind, plural), group: 'apps' })

/** The kinds that Flotilla itself reads and writes; every other one is looked up by discovery. */
export const resources = {
  configMaps: core('ConfigMap', 'configmaps'),
  secrets: core('Secret', 'secrets'),
  pods: core('Pod', 'pods'),
  services: core('Service', 'services'),
  events: core('Event', 'events'),
  volumeClaims: core('PersistentVolumeClaim', 'persistentvolumeclaims'),
  replicationControllers: core('ReplicationController', 'replicationcontrollers'),
  namespaces: { ...core('Namespace', 'namespaces'), namespaced: false },
  deployments: apps('Deployment', 'deployments'),
  statefulSets: apps('StatefulSet', 'statefulsets'),
  daemonSets: apps('DaemonSet', 'daemonsets'),
  replicaSets: apps('ReplicaSet', 'replicasets'),
  jobs: { ...core('Job', 'jobs'), group: 'batch' },
  nodes: { ...core('Node', 'nodes'), namespaced: false },
  resourceQuotas: core('ResourceQuota', 'resourcequotas'),
  controllerRevisions: apps('ControllerRevision', 'controllerrevisions'),
  endpointSlices: { ...core('EndpointSlice', 'endpointslices'), group: 'discovery.k8s.io' },
  disruptionBudgets: { ...core('PodDisruptionBudget', 'poddisruptionbudgets'), group: 'policy' },
  autoscalers: {
    ...core('HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
    group: 'autoscaling',
    version: 'v2',
  },
} as const satisfies Record<string, Resource>

/** `v1`, or `apps/v1`: as it stands in `apiVersion`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`
}

/** The path of a collection, in one namespace or over all. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const { group, version, plural, namespaced } = resource
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const within = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${within}/${plural}`
}

/** The path of one object. Throws `TypeError` without a name, or without the namespace that the kind needs. */
export function objectPath(resource: Resource, { namespace, name }: ObjectName): string {
  if (name === '') throw new TypeError(`${resource.kind}: a name is needed`)
  if (resource.namespaced && !namespace) throw new TypeError(`${resource.kind} ${name}: a namespace is needed`)
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`
}

/** The query of a list or watch. Empty values are left out. */
export function listQuery({ labelSelector, fieldSelector }: Selection, more: Record<string, string> = {}): string {
  const all = { labelSelector: labelSelector ?? '', fieldSelector: fieldSelector ?? '', ...more }
  const query = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== '')).toString()
  return query === '' ? '' : `?${query}`
}
