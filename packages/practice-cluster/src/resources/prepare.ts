import { randomUUID } from 'node:crypto'
import { jsonEqual } from '../store/equal.ts'
import type { KubeInput, KubeObject, ResourceType } from '../store/types.ts'
import { schemaOf } from './catalog.ts'
import { withCustomDefaults } from './custom/defaults.ts'
import { versionOf } from './custom/kinds.ts'
import { withDefaults } from './defaults.ts'
import { isBuiltIn, ruleName, types } from './table.ts'

type Values = Readonly<Record<string, unknown>>
type Assign = (object: KubeInput, old: KubeObject | undefined, cluster: Allocator) => KubeInput

/** What the server hands out once a cluster: addresses and ports of Services. */
export type Allocator = { readonly clusterIp: () => string; readonly nodePort: () => number }

/** The object with the defaults of its kind; on a create also with its uid and an empty status. */
export function completed(type: ResourceType, object: KubeInput, old: KubeObject | undefined): KubeInput {
  const identified = old === undefined ? { ...object, metadata: { ...object.metadata, uid: randomUUID() } } : object
  const converted = CONVERT[ruleName(type)]?.(identified, old) ?? identified
  const whole = withInitialStatus(type, converted, old)
  const custom = versionOf(type)?.schema?.openAPIV3Schema
  return custom === undefined ? withDefaults(whole, schemaOf(type)) : withCustomDefaults(whole, custom)
}

/**
 * The object with what the server decides itself: the address of a Service, the labels of a Job, what a replace may not
 * take away. On a create nobody comes to own these fields, so it follows the managers there.
 */
export function assigned(
  type: ResourceType,
  object: KubeInput,
  old: KubeObject | undefined,
  allocator: Allocator,
): KubeInput {
  return ASSIGN[ruleName(type)]?.(object, old, allocator) ?? object
}

const INITIAL_STATUS: Readonly<Record<string, Values>> = {
  pods: { phase: 'Pending' },
  namespaces: { phase: 'Active' },
  services: { loadBalancer: {} },
  ingresses: { loadBalancer: {} },
  statefulsets: { replicas: 0, availableReplicas: 0 },
  replicasets: { replicas: 0 },
  daemonsets: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  persistentvolumeclaims: { phase: 'Pending' },
  poddisruptionbudgets: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  horizontalpodautoscalers: { desiredReplicas: 0, currentMetrics: null },
}

/** A client does not write a status when it creates or replaces, but that of a Node: it starts empty and then stays. */
function withInitialStatus(type: ResourceType, object: KubeInput, old: KubeObject | undefined): KubeInput {
  if (!type.status) return object
  const status = old === undefined ? firstStatus(type, object) : old.status
  const { status: _, ...rest } = object
  const whole = { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata }
  return status === undefined ? whole : { ...whole, status }
}

function firstStatus(type: ResourceType, { status }: KubeInput): unknown {
  if (type === types.nodes && status !== undefined) return status
  return isBuiltIn(type) ? (INITIAL_STATUS[type.plural] ?? {}) : undefined
}

const values = (value: unknown): Values => (value ?? {}) as Values

/** `stringData` is written, never read: it ends up in `data`. */
function finishSecret(object: KubeInput): KubeInput {
  const { stringData, ...rest } = object
  if (stringData === undefined) return object
  const encoded = Object.entries(values(stringData)).map(([key, text]) => [
    key,
    Buffer.from(String(text)).toString('base64'),
  ])
  const data = { ...values(object.data), ...Object.fromEntries(encoded) }
  return { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata, data }
}

function finishNamespace(object: KubeInput): KubeInput {
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' }
  return { ...object, metadata: { ...object.metadata, labels } }
}

function finishService(object: KubeInput, old: KubeObject | undefined, allocator: Allocator): KubeInput {
  const spec = values(object.spec)
  if (spec.type === 'ExternalName') return object
  const before = values(old?.spec)
  const clusterIP = spec.clusterIP || before.clusterIP || allocator.clusterIp()
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const ports = external ? withNodePorts(spec.ports, before.ports, allocator) : spec.ports
  const families = { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
  const finished = {
    ...families,
    ...spec,
    clusterIP,
    clusterIPs: [clusterIP],
    ...(ports === undefined ? {} : { ports }),
  }
  return { ...object, spec: finished }
}

function withNodePorts(ports: unknown, before: unknown, allocator: Allocator): unknown {
  const known = new Map(((before ?? []) as Values[]).map((each) => [`${each.port}/${each.protocol}`, each.nodePort]))
  return ((ports ?? []) as Values[]).map((each) => {
    const nodePort = each.nodePort ?? known.get(`${each.port}/${each.protocol ?? 'TCP'}`) ?? allocator.nodePort()
    return { ...each, nodePort }
  })
}

/** A Job selects its pods by its own uid; the selector and those labels never change afterwards. */
function finishJob(object: KubeInput, old: KubeObject | undefined): KubeInput {
  const spec = values(object.spec)
  if (spec.manualSelector === true) return object
  const uid = old?.metadata.uid ?? object.metadata.uid ?? ''
  const name = object.metadata.name ?? ''
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  }
  const template = values(spec.template)
  const metadata = values(template.metadata)
  const labelled = { ...template, metadata: { ...metadata, labels: { ...values(metadata.labels), ...labels } } }
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } }
  const own = old === undefined ? { ...object.metadata.labels, ...labels } : object.metadata.labels
  const finished = { ...object, spec: { ...spec, selector, template: labelled } }
  return own === undefined ? finished : { ...finished, metadata: { ...object.metadata, labels: own } }
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

/** Counts the templates that a DaemonSet has had; a client that writes another number is not heard. */
function finishDaemonSet(object: KubeInput, old: KubeObject | undefined): KubeInput {
  const before = Number(old?.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
  const same = old !== undefined && jsonEqual(filled(object), filled(old))
  const annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(same ? before : before + 1) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** The template of a DaemonSet with its defaults, so that one that merely spells them out is the same. */
function filled(object: KubeInput): unknown {
  return values(withDefaults(object, schemaOf(types.daemonsets)).spec).template
}

/** `maxUnavailable` of a StatefulSet is behind a feature gate that 1.35.4 has off: the API server drops the field. */
function finishStatefulSet(object: KubeInput): KubeInput {
  const spec = values(object.spec)
  const strategy = values(spec.updateStrategy)
  const { maxUnavailable, ...rollingUpdate } = values(strategy.rollingUpdate)
  return maxUnavailable === undefined
    ? object
    : { ...object, spec: { ...spec, updateStrategy: { ...strategy, rollingUpdate } } }
}

/** A node takes no pods before it is Ready, which its controller finds out. */
function finishNode(object: KubeInput, old: KubeObject | undefined): KubeInput {
  if (old !== undefined) return object
  const spec = values(object.spec)
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  return { ...object, spec: { ...spec, taints: [...((spec.taints ?? []) as unknown[]), taint] } }
}

const UNREACHABLE = ['not-ready', 'unreachable'].map((taint) => ({
  key: `node.kubernetes.io/${taint}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

/** What admission gives every new Pod. */
function finishPod(object: KubeInput, old: KubeObject | undefined): KubeInput {
  if (old !== undefined) return object
  const spec = values(object.spec)
  const tolerations = [...((spec.tolerations ?? []) as unknown[]), ...UNREACHABLE]
  return { ...object, spec: { priority: 0, preemptionPolicy: 'PreemptLowerPriority', ...spec, tolerations } }
}

const CONVERT: Readonly<Record<string, (object: KubeInput, old: KubeObject | undefined) => KubeInput>> = {
  [types.secrets.plural]: finishSecret,
  [types.namespaces.plural]: finishNamespace,
  [types.daemonsets.plural]: finishDaemonSet,
  [types.statefulsets.plural]: finishStatefulSet,
  [types.pods.plural]: (object) => ({ ...object, spec: { enableServiceLinks: true, ...values(object.spec) } }),
}

const ASSIGN: Readonly<Record<string, Assign>> = {
  [types.services.plural]: finishService,
  [types.jobs.plural]: finishJob,
  [types.pods.plural]: finishPod,
  [types.nodes.plural]: finishNode,
}
