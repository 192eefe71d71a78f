import type { KubeObject } from '../../store/types.ts'
import { accessModes, age, hpaMetrics } from './cells.ts'
import {
  ageColumn,
  type Column,
  column,
  count,
  createdColumn,
  integer,
  list,
  nameColumn,
  spec,
  status,
  string,
  text,
  values,
  wide,
} from './column.ts'
import { NETWORK } from './network.ts'
import { WORKLOADS } from './workloads.ts'

const UNSET = '<unset>'
const dataCount = string('Data', (o) => Object.keys({ ...values(o.data), ...values(o.binaryData) }).length)
const phase = (object: KubeObject): string =>
  object.metadata.deletionTimestamp === undefined ? text(status(object).phase) : 'Terminating'
const phaseColumn = string('Status', phase)
const volumeMode = wide('VolumeMode', (o) => text(spec(o).volumeMode, UNSET))
const className = string('StorageClass', (o) => text(spec(o).storageClassName))
const attributesClass = string('VolumeAttributesClass', (o) => text(spec(o).volumeAttributesClassName, UNSET))

const nodes: readonly Column[] = [
  nameColumn,
  string('Status', nodeStatus),
  string('Roles', roles),
  ageColumn,
  string('Version', (o) => text(nodeInfo(o).kubeletVersion)),
  wide('Internal-IP', (o) => addressOf(o, 'InternalIP')),
  wide('External-IP', (o) => addressOf(o, 'ExternalIP')),
  wide('OS-Image', (o) => text(nodeInfo(o).osImage, '<unknown>')),
  wide('Kernel-Version', (o) => text(nodeInfo(o).kernelVersion, '<unknown>')),
  wide('Container-Runtime', (o) => text(nodeInfo(o).containerRuntimeVersion, '<unknown>')),
]

const nodeInfo = (node: KubeObject) => values(status(node).nodeInfo)
const addressOf = (node: KubeObject, type: string): string =>
  text(list(status(node).addresses).find((each) => each.type === type)?.address, '<none>')

function nodeStatus(node: KubeObject): string {
  const ready = list(status(node).conditions).find((each) => each.type === 'Ready')
  const readiness = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec(node).unschedulable === true ? `${readiness},SchedulingDisabled` : readiness
}

function roles({ metadata }: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/'
  const named = Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(prefix))
  return named.length === 0
    ? '<none>'
    : named
        .map((key) => key.slice(prefix.length))
        .sort()
        .join(',')
}

const persistentVolumes: readonly Column[] = [
  nameColumn,
  string('Capacity', (o) => text(values(spec(o).capacity).storage)),
  string('Access Modes', (o) => accessModes(spec(o).accessModes)),
  string('Reclaim Policy', (o) => text(spec(o).persistentVolumeReclaimPolicy)),
  phaseColumn,
  string('Claim', (o) => {
    const claim = spec(o).claimRef
    return claim === undefined ? '' : `${text(values(claim).namespace)}/${text(values(claim).name)}`
  }),
  className,
  attributesClass,
  string('Reason', (o) => text(status(o).reason)),
  ageColumn,
  volumeMode,
]

const isBound = (claim: KubeObject): boolean => text(spec(claim).volumeName) !== ''

const persistentVolumeClaims: readonly Column[] = [
  nameColumn,
  phaseColumn,
  string('Volume', (o) => text(spec(o).volumeName)),
  string('Capacity', (o) => (isBound(o) ? text(values(status(o).capacity).storage) : '')),
  string('Access Modes', (o) => (isBound(o) ? accessModes(status(o).accessModes) : '')),
  className,
  attributesClass,
  ageColumn,
  volumeMode,
]

const involved = ({ kind, name }: Readonly<Record<string, unknown>>): string =>
  `${text(kind).toLowerCase()}${name === undefined ? '' : `/${text(name)}`}`

const sourceOf = ({ source, reportingComponent, reportingInstance }: KubeObject): string =>
  [values(source).component || reportingComponent, values(source).host || reportingInstance].filter(Boolean).join(', ')

const events: readonly Column[] = [
  string('Last Seen', (o) => age(o.lastTimestamp ?? o.eventTime)),
  string('Type', (o) => text(o.type)),
  string('Reason', (o) => text(o.reason)),
  string('Object', (o) => involved(values(o.involvedObject))),
  wide('Subobject', (o) => text(values(o.involvedObject).fieldPath)),
  wide('Source', sourceOf),
  string('Message', (o) => text(o.message).trim()),
  wide('First Seen', (o) => age(o.firstTimestamp ?? o.eventTime)),
  wide('Count', (o) => count(o.count ?? 1)),
  wide('Name', (o) => o.metadata.name),
]

const quota = (limits: boolean) => (object: KubeObject) => {
  const { hard, used } = status(object)
  return Object.entries(values(hard))
    .filter(([resource]) => resource.startsWith('limits.') === limits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, most]) => `${resource}: ${text(values(used)[resource], '0')}/${most}`)
    .join(', ')
}

const subjects = (kind: string) => (object: KubeObject) =>
  list(object.subjects)
    .filter((each) => each.kind === kind)
    .map((each) => (each.namespace === undefined ? text(each.name) : `${each.namespace}/${each.name}`))
    .join(', ')

const bindings: readonly Column[] = [
  nameColumn,
  string('Role', (o) => `${values(o.roleRef).kind}/${values(o.roleRef).name}`),
  ageColumn,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
]

const webhooks: readonly Column[] = [nameColumn, integer('Webhooks', (o) => list(o.webhooks).length), ageColumn]

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

const storageClasses: readonly Column[] = [
  string('Name', ({ metadata }) =>
    metadata.annotations?.[DEFAULT_CLASS] === 'true' ? `${metadata.name} (default)` : metadata.name,
  ),
  string('Provisioner', (o) => text(o.provisioner)),
  string('ReclaimPolicy', (o) => text(o.reclaimPolicy, 'Delete')),
  string('VolumeBindingMode', (o) => text(o.volumeBindingMode, 'Immediate')),
  string('AllowVolumeExpansion', (o) => o.allowVolumeExpansion === true),
  ageColumn,
]

const autoscalers: readonly Column[] = [
  nameColumn,
  string('Reference', (o) => `${values(spec(o).scaleTargetRef).kind}/${values(spec(o).scaleTargetRef).name}`),
  string('Targets', (o) => hpaMetrics(list(spec(o).metrics), list(status(o).currentMetrics))),
  string('MinPods', (o) => text(spec(o).minReplicas, UNSET)),
  integer('MaxPods', (o) => count(spec(o).maxReplicas)),
  integer('Replicas', (o) => count(status(o).currentReplicas)),
  ageColumn,
]

const disruptionBudgets: readonly Column[] = [
  nameColumn,
  string('Min Available', (o) => text(spec(o).minAvailable, 'N/A')),
  string('Max Unavailable', (o) => text(spec(o).maxUnavailable, 'N/A')),
  integer('Allowed Disruptions', (o) => count(status(o).disruptionsAllowed)),
  ageColumn,
]

/**
 * The columns of each built-in kind as the API server of 1.35 gives them (`pkg/printers/internalversion`); a kind that is
 * missing has its name and when it was made.
 */
export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  ...WORKLOADS,
  ...NETWORK,
  nodes,
  events,
  configmaps: [nameColumn, dataCount, ageColumn],
  secrets: [nameColumn, string('Type', (o) => text(o.type)), dataCount, ageColumn],
  namespaces: [nameColumn, string('Status', (o) => text(status(o).phase)), ageColumn],
  serviceaccounts: [nameColumn, ageColumn],
  persistentvolumes: persistentVolumes,
  persistentvolumeclaims: persistentVolumeClaims,
  resourcequotas: [nameColumn, string('Request', quota(false)), string('Limit', quota(true)), ageColumn],
  'horizontalpodautoscalers.autoscaling': autoscalers,
  'poddisruptionbudgets.policy': disruptionBudgets,
  'leases.coordination.k8s.io': [nameColumn, string('Holder', (o) => text(spec(o).holderIdentity)), ageColumn],
  'rolebindings.rbac.authorization.k8s.io': bindings,
  'clusterrolebindings.rbac.authorization.k8s.io': bindings,
  'storageclasses.storage.k8s.io': storageClasses,
  'priorityclasses.scheduling.k8s.io': [
    nameColumn,
    integer('Value', (o) => count(o.value)),
    column('Global-Default', 'boolean', (o) => o.globalDefault === true),
    ageColumn,
    wide('PreemptionPolicy', (o) => text(o.preemptionPolicy)),
  ],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
}

/** The columns of a kind that has none of its own. */
export const PLAIN_COLUMNS: readonly Column[] = [nameColumn, createdColumn]

/** What `kubectl get --subresource=scale` prints. */
export const SCALE_COLUMNS: readonly Column[] = [
  nameColumn,
  integer('Desired', (o) => count(spec(o).replicas)),
  integer('Available', (o) => count(status(o).replicas)),
  ageColumn,
]
