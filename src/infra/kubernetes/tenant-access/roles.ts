import type { JsonObject } from '../../../core/json.ts'
import type { Resource } from '../types.ts'

const rbac = 'rbac.authorization.k8s.io'

const kind = (plural: string, name: string, namespaced: boolean): Resource => ({
  ...{ group: rbac, version: 'v1', plural, kind: name, namespaced },
})

export const clusterRoles = kind('clusterroles', 'ClusterRole', false)
export const roleBindings = kind('rolebindings', 'RoleBinding', true)

/** What a tenant's charts may do in the tenant's namespaces: all that is collected into this ClusterRole. */
export const tenantRole = 'flotilla:tenant-charts'
/** The rules that Flotilla itself puts into it. */
export const tenantRoleRules = 'flotilla:tenant-charts:kubernetes'
const aggregate = 'flotilla.dev/aggregate-to-tenant-charts'

const read = ['get', 'list', 'watch']
const write = [...read, 'create', 'update', 'patch', 'delete', 'deletecollection']

const rule = (apiGroup: string, resources: string, verbs: readonly string[]) => ({
  ...{ apiGroups: [apiGroup], resources: resources.split(' '), verbs: [...verbs] },
})

/**
 * Every namespaced kind of Kubernetes itself, but quotas and limits (they are the platform's) only to look at. No verb
 * `bind`, `escalate` or `impersonate`, and no `*`: the API server then lets no chart give away more than this.
 */
const rules = [
  rule(
    '',
    'configmaps secrets services services/status serviceaccounts persistentvolumeclaims persistentvolumeclaims/status ' +
      'pods pods/status pods/ephemeralcontainers pods/attach pods/exec pods/portforward pods/proxy pods/log podtemplates ' +
      'services/proxy endpoints events replicationcontrollers replicationcontrollers/scale replicationcontrollers/status',
    write,
  ),
  rule('', 'pods/eviction', ['create']),
  rule('', 'namespaces resourcequotas limitranges', read),
  rule(
    'apps',
    'deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets ' +
      'statefulsets/scale statefulsets/status daemonsets daemonsets/status controllerrevisions',
    write,
  ),
  rule('batch', 'jobs jobs/status cronjobs cronjobs/status', write),
  rule('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', write),
  rule('policy', 'poddisruptionbudgets poddisruptionbudgets/status', write),
  rule('networking.k8s.io', 'ingresses ingresses/status networkpolicies', write),
  rule('discovery.k8s.io', 'endpointslices', write),
  rule('coordination.k8s.io', 'leases', write),
  rule('events.k8s.io', 'events', write),
  rule(rbac, 'roles rolebindings', write),
  rule('authorization.k8s.io', 'localsubjectaccessreviews', ['create']),
  // Only that charts can bind `view`, as many do: nobody binds a role without holding all of it.
  rule('', 'bindings namespaces/status resourcequotas/status', read),
  rule('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', read),
  rule(
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status ' +
      'networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
    read,
  ),
]

/** The kinds of operators: what their owners have put into `admin`, `edit` and `view`, and not Kubernetes itself. */
const ofOperators = ['admin', 'edit', 'view'].map((name) => ({
  matchLabels: { [`${rbac}/aggregate-to-${name}`]: 'true' },
  matchExpressions: [{ key: 'kubernetes.io/bootstrapping', operator: 'DoesNotExist' }],
}))

const role = (name: string, labels: JsonObject, more: JsonObject): JsonObject => ({
  ...{ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name, labels } },
  ...more,
})

const managed = { 'app.kubernetes.io/managed-by': 'flotilla' }

/** The two ClusterRoles as they are applied. The rules of the first are the business of the cluster's controller. */
export const tenantRoles: readonly JsonObject[] = [
  role(tenantRole, managed, {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregate]: 'true' } }, ...ofOperators] },
  }),
  role(tenantRoleRules, { ...managed, [aggregate]: 'true' }, { rules }),
]

/** The binding of one user in a namespace. */
export const bindingName = 'flotilla:tenant'
export const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: tenantRole }
export const subjectOf = (user: string) => ({ apiGroup: rbac, kind: 'User', name: user })
