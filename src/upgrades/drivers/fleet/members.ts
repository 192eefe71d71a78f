import type { JsonObject } from '../../../core/json.ts'
import { type ClusterClient, resources, selectorText } from '../../../infra/kubernetes/index.ts'
import type { Pod as KubePod } from '../../../infra/kubernetes/readiness/workload-types.ts'
import type { Member, PodRef } from '../../core/model.ts'
import { within } from '../gate/json.ts'
import type { GateKind, GateState, Lineage, Workload } from '../gate/model.ts'
import { type Sides, sideOf } from '../gate/position.ts'

/** A pod, its spec as it is. */
export type FleetPod = Omit<KubePod, 'spec'> & { readonly spec?: JsonObject }

/** The pods of a workload, those on their way out too. Throws `ClusterError`. */
export async function readPods(
  client: ClusterClient,
  live: Workload,
  { owners }: Lineage,
): Promise<readonly FleetPod[]> {
  const { namespace = '' } = live.metadata
  const labelSelector = selectorText(within(live.spec, 'selector'))
  if (labelSelector === null) return []
  const { items } = await client.list<FleetPod>(resources.pods, { namespace, labelSelector })
  return items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => owners.has(uid)) === true)
}

/**
 * The members of a fleet. A pod that has ended by itself takes no place: its controller makes another one. `hashes`: those
 * of the versions that are known, for pods on neither side. Pure.
 */
export function membersOf(
  kind: GateKind,
  pods: readonly FleetPod[],
  sides: Sides,
  hashes: GateState['hashes'] = {},
): readonly Member[] {
  const versions = new Map(Object.entries(hashes).map(([version, hash]) => [hash, version]))
  return pods
    .filter((pod) => kind.kind !== 'Deployment' || !hasEnded(pod))
    .map((pod) => memberOf(kind, pod, sides, versions))
}

function memberOf(kind: GateKind, pod: FleetPod, sides: Sides, versions: ReadonlyMap<string, string>): Member {
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = isReady(pod) && !terminating
  const hash = pod.metadata.labels?.[kind.hashLabel]
  const side = sideOf(hash, sides)
  const version = side === 'other' ? versions.get(hash ?? '') : undefined
  return {
    pod: refOf(pod),
    key: kind.placeOf(pod),
    side,
    ...(version === undefined ? {} : { version }),
    ready,
    terminating,
    problem: ready || terminating ? null : problemOf(pod),
  }
}

export const refOf = ({ metadata }: FleetPod): PodRef => ({ name: metadata.name, uid: metadata.uid ?? '' })

/** True for a pod that takes traffic. */
export function isReady(pod: FleetPod): boolean {
  return !hasEnded(pod) && conditionOf(pod, 'Ready')?.status === 'True'
}

const hasEnded = ({ status }: FleetPod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded'

const conditionOf = ({ status }: FleetPod, type: string) => status?.conditions?.find((each) => each.type === type)

const MOST_TEXT = 300

/** Why a pod is not ready: reasons, never the messages of containers, which may hold values. */
function problemOf(pod: FleetPod): string {
  const { status = {} } = pod
  if (hasEnded(pod)) return `it is ${status.phase}${status.reason === undefined ? '' : ` (${status.reason})`}`
  const scheduled = conditionOf(pod, 'PodScheduled')
  if (scheduled?.status === 'False') return (scheduled.message ?? 'no node takes it').slice(0, MOST_TEXT)
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const [stopped] = containers.flatMap(({ name, state }) => {
    const reason = state?.waiting?.reason ?? (state?.running === undefined ? state?.terminated?.reason : undefined)
    return reason === undefined || reason === 'Completed' ? [] : [`container ${name}: ${reason}`]
  })
  return stopped ?? (status.phase === 'Running' ? 'it is not ready' : `it is ${status.phase ?? 'Pending'}`)
}

/** The hashes of pods that take traffic. Pure. */
export function servingHashes({ hashLabel }: GateKind, pods: readonly FleetPod[]): ReadonlySet<string> {
  const serving = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
  return new Set(serving.flatMap(({ metadata }) => metadata.labels?.[hashLabel] ?? []))
}

/** The labels of the pods that a workload's present template makes. */
export function templateLabels({ spec }: Workload): Readonly<Record<string, string>> {
  const labels = within(spec, 'template', 'metadata', 'labels')
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]))
}
