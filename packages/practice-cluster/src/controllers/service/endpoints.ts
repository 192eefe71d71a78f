import type { KubeInput } from '../../store/types.ts'
import { controllerRef } from '../decision.ts'
import { hashOf } from '../hash.ts'
import type { Pod, Service, ServicePort } from '../model.ts'
import { isDeleting, isFinished, isReady } from '../pod-state.ts'

/** How many endpoints one EndpointSlice holds at most. */
const PER_SLICE = 100

type ResolvedPort = {
  readonly name: string
  readonly port: number
  readonly protocol: string
  readonly appProtocol?: string
}

/** The pods that a Service may send to, which have an address and have not ended. */
export function backends(pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => pod.status?.podIP !== undefined && !isFinished(pod))
}

/** The EndpointSlices that a Service needs; there is always one, also for no pods. */
export function slicesFor(service: Service, pods: readonly Pod[]): readonly KubeInput[] {
  const groups = byPorts(service, backends(pods))
  return groups.flatMap(({ ports, members }, group) =>
    chunks(members).map((chunk, i) => sliceOf(service, ports, chunk, `${group}-${i}`)),
  )
}

/** The Endpoints object of a Service, as old clients read it. */
export function endpointsFor(service: Service, pods: readonly Pod[]): KubeInput {
  const subsets = byPorts(service, backends(pods)).flatMap(({ ports, members }) => {
    const ready = members.filter((pod) => takesTraffic(service, pod)).map(addressOf)
    const notReady = members.filter((pod) => !takesTraffic(service, pod) && !isDeleting(pod)).map(addressOf)
    if (ready.length + notReady.length === 0) return []
    return [
      {
        ...(ready.length > 0 ? { addresses: ready } : {}),
        ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
        ports,
      },
    ]
  })
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: service.metadata.name,
      namespace: service.metadata.namespace ?? 'default',
      labels: { ...service.metadata.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  }
}

/** Pods with the same numbers behind the Service's ports; a named port may differ from pod to pod. */
function byPorts(service: Service, pods: readonly Pod[]) {
  const groups = Map.groupBy(pods, (pod) => JSON.stringify(portsOf(service, pod)))
  if (groups.size === 0) return [{ ports: portsOf(service, undefined), members: pods }]
  return [...groups].map(([key, members]) => ({ ports: JSON.parse(key) as readonly ResolvedPort[], members }))
}

function portsOf(service: Service, pod: Pod | undefined): readonly ResolvedPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetOf(port, pod)
    const { name = '', protocol = 'TCP', appProtocol } = port
    return number === undefined
      ? []
      : [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })
}

function targetOf(
  { port, targetPort = port, protocol = 'TCP' }: ServicePort,
  pod: Pod | undefined,
): number | undefined {
  if (typeof targetPort === 'number') return targetPort || port
  const ports = pod?.spec.containers.flatMap((container) => container.ports ?? [])
  return ports?.find((each) => each.name === targetPort && (each.protocol ?? 'TCP') === protocol)?.containerPort
}

function sliceOf(service: Service, ports: readonly ResolvedPort[], pods: readonly Pod[], part: string): KubeInput {
  const { name, namespace = 'default', uid, labels } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${hashOf([uid, part]).slice(0, 5)}`,
      namespace,
      labels: {
        ...labels,
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      ownerReferences: [controllerRef(service)],
    },
    addressType: 'IPv4',
    endpoints: pods.map((pod) => endpointOf(service, pod)),
    ports,
  }
}

function endpointOf(service: Service, pod: Pod) {
  const named = pod.spec.hostname !== undefined && pod.spec.subdomain === service.metadata.name
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: takesTraffic(service, pod), serving: isReady(pod), terminating: isDeleting(pod) },
    ...(named ? { hostname: pod.spec.hostname } : {}),
    nodeName: pod.spec.nodeName ?? '',
    targetRef: referenceTo(pod),
  }
}

function addressOf(pod: Pod) {
  return { ip: pod.status?.podIP ?? '', nodeName: pod.spec.nodeName ?? '', targetRef: referenceTo(pod) }
}

const referenceTo = ({ metadata }: Pod) => ({
  kind: 'Pod',
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  uid: metadata.uid,
})

function takesTraffic(service: Service, pod: Pod): boolean {
  return service.spec.publishNotReadyAddresses === true || (isReady(pod) && !isDeleting(pod))
}

function chunks(pods: readonly Pod[]): readonly (readonly Pod[])[] {
  const count = Math.max(1, Math.ceil(pods.length / PER_SLICE))
  return Array.from({ length: count }, (_, i) => pods.slice(i * PER_SLICE, (i + 1) * PER_SLICE))
}
