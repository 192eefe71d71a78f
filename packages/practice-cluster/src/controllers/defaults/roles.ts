import type { Rule } from '../../access/rules.ts'
import { AUTHENTICATED, MASTERS } from '../../access/user.ts'
import type { KubeInput } from '../../store/types.ts'

const RBAC = 'rbac.authorization.k8s.io'
const AGGREGATE = `${RBAC}/aggregate-to-`
const DEFAULTS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

const words = (text: string): readonly string[] => text.split(' ')

const read = words('get list watch')
const write = words('create delete deletecollection patch update')

const rule = (group: string, resources: string, verbs: readonly string[]): Rule => ({
  verbs,
  apiGroups: [group],
  resources: words(resources),
})

const paths = (urls: string): Rule => ({ verbs: ['get'], nonResourceURLs: words(urls) })

/** What `edit` may write and `view` may see. Secrets, and acting as a ServiceAccount, are of `edit` only. */
const contents: readonly Rule[] = [
  rule(
    '',
    'configmaps events persistentvolumeclaims pods replicationcontrollers replicationcontrollers/scale serviceaccounts services',
    read,
  ),
  rule(
    'apps',
    'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
    read,
  ),
  rule('autoscaling', 'horizontalpodautoscalers', read),
  rule('batch', 'cronjobs jobs', read),
  rule('networking.k8s.io', 'ingresses networkpolicies', read),
  rule('policy', 'poddisruptionbudgets', read),
]

/** All that a real one may see, also of kinds that are not here: nobody binds it who holds less. */
const view: readonly Rule[] = [
  ...contents,
  rule('', 'endpoints persistentvolumeclaims/status services/status', read),
  rule('', 'bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status', read),
  rule('', 'namespaces resourcequotas resourcequotas/status', read),
  rule('events.k8s.io', 'events', read),
  rule('discovery.k8s.io', 'endpointslices', read),
  rule('apps', 'controllerrevisions daemonsets/status deployments/status replicasets/status statefulsets/status', read),
  rule('autoscaling', 'horizontalpodautoscalers/status', read),
  rule('batch', 'cronjobs/status jobs/status', read),
  rule(
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status ' +
      'networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
    read,
  ),
  rule('policy', 'poddisruptionbudgets/status', read),
  rule('networking.k8s.io', 'ingresses/status', read),
  rule('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', read),
]

const edit: readonly Rule[] = [
  ...contents.map(({ verbs: _, ...of }) => ({ ...of, verbs: write })),
  rule('', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', read),
  rule('', 'pods/attach pods/exec pods/portforward pods/proxy secrets', write),
  rule('', 'pods/eviction', ['create']),
  rule('', 'serviceaccounts', ['impersonate']),
  rule('', 'serviceaccounts/token', ['create']),
  rule('coordination.k8s.io', 'leases', [...read, ...write]),
]

const admin: readonly Rule[] = [
  rule('authorization.k8s.io', 'localsubjectaccessreviews', ['create']),
  rule(RBAC, 'roles rolebindings', [...read, ...write]),
]

const everything: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]
const discovery = [paths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/')]
const oneself: readonly Rule[] = [
  rule('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', ['create']),
  rule('authentication.k8s.io', 'selfsubjectreviews', ['create']),
]

const clusterRole = (name: string, rules: readonly Rule[], labels: object = {}): KubeInput => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...DEFAULTS, ...labels } },
  rules,
})

const collected = (name: string, labels: object = {}): KubeInput => ({
  ...clusterRole(name, [], labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${name}`]: 'true' } }] },
})

const part = (of: string, rules: readonly Rule[]): KubeInput =>
  clusterRole(`system:aggregate-to-${of}`, rules, { [`${AGGREGATE}${of}`]: 'true' })

/** The ClusterRoles that every cluster has, as far as somebody here asks for them. */
export const defaultRoles: readonly KubeInput[] = [
  clusterRole('cluster-admin', everything),
  collected('admin'),
  collected('edit', { [`${AGGREGATE}admin`]: 'true' }),
  collected('view', { [`${AGGREGATE}edit`]: 'true' }),
  part('admin', admin),
  part('edit', edit),
  part('view', view),
  clusterRole('system:discovery', discovery),
  clusterRole('system:basic-user', oneself),
  clusterRole('system:public-info-viewer', [paths('/healthz /livez /readyz /version /version/')]),
]

const binding = (name: string, group: string): KubeInput => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels: DEFAULTS },
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
  subjects: [{ apiGroup: RBAC, kind: 'Group', name: group }],
})

/** The bindings that every cluster has. */
export const defaultBindings: readonly KubeInput[] = [
  binding('cluster-admin', MASTERS),
  binding('system:discovery', AUTHENTICATED),
  binding('system:basic-user', AUTHENTICATED),
  binding('system:public-info-viewer', AUTHENTICATED),
]
