import type { ResourceType } from '../store/types.ts'

type Traits = Partial<Pick<ResourceType, 'shortNames' | 'categories' | 'generation' | 'status' | 'scale' | 'singular'>>

function resource(
  groupVersion: string,
  plural: string,
  kind: string,
  namespaced: boolean,
  traits: Traits,
): ResourceType {
  const slash = groupVersion.indexOf('/')
  return {
    group: slash < 0 ? '' : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    shortNames: [],
    categories: [],
    generation: false,
    status: false,
    scale: false,
    ...traits,
  }
}

const namespaced = (gv: string, plural: string, kind: string, traits: Traits = {}) =>
  resource(gv, plural, kind, true, traits)
const cluster = (gv: string, plural: string, kind: string, traits: Traits = {}) =>
  resource(gv, plural, kind, false, traits)

const workload: Traits = { categories: ['all'], generation: true, status: true, scale: true }

const storage = 'storage.k8s.io/v1'
const networking = 'networking.k8s.io/v1'
const rbac = 'rbac.authorization.k8s.io/v1'
const admission = 'admissionregistration.k8s.io/v1'

/** Every kind that the practice cluster stores, by its plural name. */
export const types = {
  namespaces: cluster('v1', 'namespaces', 'Namespace', { shortNames: ['ns'], status: true }),
  nodes: cluster('v1', 'nodes', 'Node', { shortNames: ['no'], status: true }),
  persistentvolumes: cluster('v1', 'persistentvolumes', 'PersistentVolume', { shortNames: ['pv'], status: true }),
  pods: namespaced('v1', 'pods', 'Pod', { shortNames: ['po'], categories: ['all'], status: true, generation: true }),
  services: namespaced('v1', 'services', 'Service', { shortNames: ['svc'], categories: ['all'], status: true }),
  endpoints: namespaced('v1', 'endpoints', 'Endpoints', { shortNames: ['ep'], singular: 'endpoints' }),
  configmaps: namespaced('v1', 'configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  secrets: namespaced('v1', 'secrets', 'Secret'),
  serviceaccounts: namespaced('v1', 'serviceaccounts', 'ServiceAccount', { shortNames: ['sa'] }),
  persistentvolumeclaims: namespaced('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', {
    shortNames: ['pvc'],
    status: true,
  }),
  events: namespaced('v1', 'events', 'Event', { shortNames: ['ev'] }),
  limitranges: namespaced('v1', 'limitranges', 'LimitRange', { shortNames: ['limits'] }),
  podtemplates: namespaced('v1', 'podtemplates', 'PodTemplate', { generation: true }),
  resourcequotas: namespaced('v1', 'resourcequotas', 'ResourceQuota', { shortNames: ['quota'], status: true }),
  replicationcontrollers: namespaced('v1', 'replicationcontrollers', 'ReplicationController', {
    ...workload,
    shortNames: ['rc'],
  }),
  deployments: namespaced('apps/v1', 'deployments', 'Deployment', { ...workload, shortNames: ['deploy'] }),
  replicasets: namespaced('apps/v1', 'replicasets', 'ReplicaSet', { ...workload, shortNames: ['rs'] }),
  statefulsets: namespaced('apps/v1', 'statefulsets', 'StatefulSet', { ...workload, shortNames: ['sts'] }),
  daemonsets: namespaced('apps/v1', 'daemonsets', 'DaemonSet', { ...workload, scale: false, shortNames: ['ds'] }),
  controllerrevisions: namespaced('apps/v1', 'controllerrevisions', 'ControllerRevision'),
  jobs: namespaced('batch/v1', 'jobs', 'Job', { categories: ['all'], generation: true, status: true }),
  cronjobs: namespaced('batch/v1', 'cronjobs', 'CronJob', {
    shortNames: ['cj'],
    categories: ['all'],
    generation: true,
    status: true,
  }),
  horizontalpodautoscalers: namespaced('autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', {
    shortNames: ['hpa'],
    categories: ['all'],
    status: true,
  }),
  poddisruptionbudgets: namespaced('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', {
    shortNames: ['pdb'],
    generation: true,
    status: true,
  }),
  ingresses: namespaced(networking, 'ingresses', 'Ingress', { shortNames: ['ing'], generation: true, status: true }),
  networkpolicies: namespaced(networking, 'networkpolicies', 'NetworkPolicy', {
    shortNames: ['netpol'],
    generation: true,
  }),
  ingressclasses: cluster(networking, 'ingressclasses', 'IngressClass', { generation: true }),
  endpointslices: namespaced('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', { generation: true }),
  leases: namespaced('coordination.k8s.io/v1', 'leases', 'Lease'),
  roles: namespaced(rbac, 'roles', 'Role'),
  rolebindings: namespaced(rbac, 'rolebindings', 'RoleBinding'),
  clusterroles: cluster(rbac, 'clusterroles', 'ClusterRole'),
  clusterrolebindings: cluster(rbac, 'clusterrolebindings', 'ClusterRoleBinding'),
  storageclasses: cluster(storage, 'storageclasses', 'StorageClass', { shortNames: ['sc'] }),
  priorityclasses: cluster('scheduling.k8s.io/v1', 'priorityclasses', 'PriorityClass', {
    shortNames: ['pc'],
    generation: true,
  }),
  mutatingwebhookconfigurations: cluster(admission, 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', {
    categories: ['api-extensions'],
    generation: true,
  }),
  validatingwebhookconfigurations: cluster(
    admission,
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    { categories: ['api-extensions'], generation: true },
  ),
  customresourcedefinitions: cluster(
    'apiextensions.k8s.io/v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    {
      shortNames: ['crd', 'crds'],
      categories: ['api-extensions'],
      generation: true,
      status: true,
    },
  ),
} as const

/** All kinds, in the order of the table. */
export const allTypes: readonly ResourceType[] = Object.values(types)

/** `v1`, `apps/v1`… of a kind. */
export function groupVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

/** `pods`, `deployments.apps`…: how error messages of the API name a kind. */
export function qualifiedName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

const builtIn = new Set<ResourceType>(allTypes)

/** Whether a kind is of the table, and not of a CustomResourceDefinition. */
export const isBuiltIn = (type: ResourceType): boolean => builtIn.has(type)

/** The plural name by which rules of single kinds are found; '' for custom kinds, whose names may be the same. */
export const ruleName = (type: ResourceType): string => (isBuiltIn(type) ? type.plural : '')
