import { anything, isOmitted, type Schema, type Struct } from './schema.ts'

type Values = Readonly<Record<string, unknown>>
type Default = unknown | ((struct: Values) => unknown)

const pullPolicy = ({ image }: Values): string => {
  const tag = /:([^/:@]+)(@|$)/.exec(String(image ?? ''))?.[1]
  return tag === 'latest' || (tag === undefined && !String(image).includes('@')) ? 'Always' : 'IfNotPresent'
}

const rollingOnly =
  (value: Values) =>
  ({ type = 'RollingUpdate' }: Values): Values | undefined =>
    type === 'RollingUpdate' ? value : undefined

const hasAddress = ({ type }: Values): boolean => type !== 'ExternalName'
const isExternal = ({ type }: Values): boolean => type === 'NodePort' || type === 'LoadBalancer'
const when =
  (condition: (struct: Values) => boolean, value: unknown) =>
  (struct: Values): unknown =>
    condition(struct) ? value : undefined

const cpuAt80 = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
}

/**
 * What the API server writes where a client left a field out, by type of the schema. Later entries see earlier ones.
 * See the `SetDefaults_*` behaviour that each kind documents in the API reference.
 */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, Default>>>> = {
  'core.v1.Container': {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy,
  },
  'core.v1.ContainerPort': { protocol: 'TCP' },
  'core.v1.Probe': { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  'core.v1.HTTPGetAction': { path: '/', scheme: 'HTTP' },
  'core.v1.GRPCAction': { service: '' },
  'core.v1.ObjectFieldSelector': { apiVersion: 'v1' },
  'core.v1.ConfigMapVolumeSource': { defaultMode: 420 },
  'core.v1.SecretVolumeSource': { defaultMode: 420 },
  'core.v1.ProjectedVolumeSource': { defaultMode: 420 },
  'core.v1.DownwardAPIVolumeSource': { defaultMode: 420 },
  'core.v1.HostPathVolumeSource': { type: '' },
  'core.v1.ServiceAccountTokenProjection': { expirationSeconds: 3600 },
  'core.v1.PodTemplateSpec': { metadata: {} },
  'core.v1.PodSpec': {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccount: ({ serviceAccountName }: Values) => serviceAccountName,
    securityContext: {},
    schedulerName: 'default-scheduler',
  },
  'core.v1.PersistentVolumeClaimSpec': { volumeMode: 'Filesystem' },
  'core.v1.PersistentVolumeClaim': { kind: 'PersistentVolumeClaim', apiVersion: 'v1', status: { phase: 'Pending' } },
  'core.v1.PersistentVolumeSpec': { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
  'core.v1.Secret': { type: 'Opaque' },
  'core.v1.ServicePort': { protocol: 'TCP', targetPort: ({ port }: Values) => port },
  'core.v1.ServiceSpec': {
    sessionAffinity: 'None',
    type: 'ClusterIP',
    externalTrafficPolicy: when(isExternal, 'Cluster'),
    allocateLoadBalancerNodePorts: when(({ type }) => type === 'LoadBalancer', true),
    internalTrafficPolicy: when(hasAddress, 'Cluster'),
  },
  'core.v1.ReplicationControllerSpec': { replicas: 1 },
  'core.v1.LimitRangeItem': {},
  'apps.v1.RollingUpdateDeployment': { maxUnavailable: '25%', maxSurge: '25%' },
  'apps.v1.DeploymentStrategy': {
    type: 'RollingUpdate',
    rollingUpdate: rollingOnly({ maxUnavailable: '25%', maxSurge: '25%' }),
  },
  'apps.v1.DeploymentSpec': {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  },
  'apps.v1.ReplicaSetSpec': { replicas: 1 },
  'apps.v1.RollingUpdateStatefulSetStrategy': { partition: 0 },
  'apps.v1.StatefulSetUpdateStrategy': { type: 'RollingUpdate', rollingUpdate: rollingOnly({ partition: 0 }) },
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' },
  'apps.v1.StatefulSetSpec': {
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    replicas: 1,
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  },
  'apps.v1.RollingUpdateDaemonSet': { maxUnavailable: 1, maxSurge: 0 },
  'apps.v1.DaemonSetUpdateStrategy': {
    type: 'RollingUpdate',
    rollingUpdate: rollingOnly({ maxUnavailable: 1, maxSurge: 0 }),
  },
  'apps.v1.DaemonSetSpec': {
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    revisionHistoryLimit: 10,
  },
  'batch.v1.CronJobSpec': {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
  'batch.v1.JobTemplateSpec': { metadata: {} },
  'autoscaling.v2.HorizontalPodAutoscalerSpec': { minReplicas: 1, metrics: [cpuAt80] },
  'networking.v1.NetworkPolicySpec': {
    policyTypes: ({ egress }: Values) => (egress === undefined ? ['Ingress'] : ['Ingress', 'Egress']),
  },
  'networking.v1.NetworkPolicyPort': { protocol: 'TCP' },
  'discovery.v1.Endpoint': { conditions: {} },
  'discovery.v1.EndpointPort': { name: '', protocol: 'TCP' },
  'core.v1.EndpointPort': { protocol: 'TCP' },
  'rbac.v1.RoleRef': { apiGroup: 'rbac.authorization.k8s.io' },
  'rbac.v1.Subject': { apiGroup: when(({ kind }) => kind !== 'ServiceAccount', 'rbac.authorization.k8s.io') },
  'scheduling.v1.PriorityClass': { preemptionPolicy: 'PreemptLowerPriority' },
  'storage.v1.StorageClass': { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  'apiextensions.v1.CustomResourceDefinitionSpec': { conversion: { strategy: 'None' } },
}

/** Defaults that only the Job itself gets, not the template of a CronJob. */
const JOB_SPEC: Readonly<Record<string, Default>> = {
  parallelism: 1,
  completions: ({ completions, parallelism }: Values) => (parallelism === undefined ? 1 : completions) ?? 1,
  backoffLimit: 6,
  manualSelector: false,
  completionMode: 'NonIndexed',
  suspend: false,
  podReplacementPolicy: 'TerminatingOrFailed',
}

/** The value with every default of its schema filled in; parts that need none are kept as they are, not copied. */
export function withDefaults<T>(value: T, schema: Schema): T {
  return fill(value, schema) as T
}

function fill(value: unknown, schema: Schema): unknown {
  if (!needsDefaults(schema) || value === undefined || value === null) return value
  if (schema.kind === 'list') return Array.isArray(value) ? value.map((item) => fill(item, schema.items)) : value
  return schema.kind === 'struct' && isRecord(value) ? fillStruct(value, schema) : value
}

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fillStruct(value: Values, struct: Struct): Values {
  if (struct.name.endsWith('Status')) return value
  const filled = withoutZeros(value, struct)
  if (struct.name === 'batch.v1.Job' && isRecord(value.spec)) filled.spec = complete({ ...value.spec }, JOB_SPEC)
  complete(filled, DEFAULTS[struct.name] ?? {})
  for (const key in filled) filled[key] = fill(filled[key], struct.fields.get(key)?.schema ?? anything)
  return filled
}

/**
 * A copy without the fields that say nothing. The API server keeps typed objects, so `hostNetwork: false` is not there
 * when it is read again, and two templates that differ in it alone are the same one.
 */
function withoutZeros(value: Values, struct: Struct): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) {
    const field = struct.fields.get(key)
    if (field === undefined || !isOmitted(field, each)) kept[key] = each
  }
  return kept
}

function complete(struct: Record<string, unknown>, defaults: Readonly<Record<string, Default>>): Values {
  for (const [key, fallback] of Object.entries(defaults)) {
    if (struct[key] !== undefined && struct[key] !== null) continue
    const value = typeof fallback === 'function' ? fallback(struct) : fallback
    if (value !== undefined) struct[key] = value
  }
  return struct
}

const known = new Map<Schema, boolean>()

/** Whether a default lies anywhere in a schema: Secrets and ConfigMaps are then not walked in vain. */
function needsDefaults(schema: Schema): boolean {
  const answer = known.get(schema)
  if (answer !== undefined) return answer
  known.set(schema, false)
  const needed = childrenNeed(schema)
  known.set(schema, needed)
  return needed
}

function childrenNeed(schema: Schema): boolean {
  if (schema.kind === 'list') return needsDefaults(schema.items)
  if (schema.kind !== 'struct') return false
  if (schema.name in DEFAULTS) return true
  return [...schema.fields.values()].some((field) => needsDefaults(field.schema))
}
