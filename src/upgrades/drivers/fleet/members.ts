import type { JsonObject } from '../../../core/json.ts'
import {
  type ClusterClient,
  hasEnded,
  isReady,
  problemOf,
  resources,
  selectorText,
} from '../../../infra/kubernetes/index.ts'
import type { Pod as KubePod } from '../../../infra/kubernetes/readiness/workload-types.ts'
import type { Member, PodRef, Side } from '../../core/model.ts'
import { within } from '../gate/json.ts'
import type { GateKind, Lineage, Workload } from '../gate/model.ts'
import { type Sides, sideOf } from '../gate/position.ts'
import type { Labels } from '../services/select.ts'

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

/** Tells the version of pods with a hash where their side does not; undefined where nobody knows. */
export type TellVersion = (hash: string, side: Side) => string | undefined

/**
 * The members of a fleet. A pod that has ended by itself takes no place: its controller makes another one. Pure.
 */
export function membersOf(
  kind: GateKind,
  pods: readonly FleetPod[],
  sides: Sides,
  tell: TellVersion = () => undefined,
): readonly Member[] {
  return runningPods(kind, pods).map((pod) => memberOf(kind, pod, sides, tell))
}

/** Those that take a place. Pure. */
export function runningPods({ kind }: GateKind, pods: readonly FleetPod[]): readonly FleetPod[] {
  return pods.filter((pod) => kind !== 'Deployment' || !hasEnded(pod))
}

function memberOf(kind: GateKind, pod: FleetPod, sides: Sides, tell: TellVersion): Member {
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = isReady(pod) && !terminating
  const hash = hashIn(kind, pod)
  const side = sideOf(hash, sides)
  const version = hash === undefined ? undefined : tell(hash, side)
  return {
    pod: refOf(pod),
    key: kind.placeOf(pod),
    side,
    ...(version === undefined ? {} : { version }),
    ready,
    ...(ready ? readySinceOf(pod) : {}),
    terminating,
    ...(terminating ? { goneBy: Date.parse(pod.metadata.deletionTimestamp ?? '') } : {}),
    problem: ready || terminating ? null : problemOf(pod),
  }
}

/** The hash by which its version is known; undefined without one. Pure. */
export const hashIn = ({ hashLabel }: GateKind, { metadata }: FleetPod): string | undefined =>
  metadata.labels?.[hashLabel]

/** The hashes of pods that are not on their way out. Pure. */
export function presentHashes(kind: GateKind, pods: readonly FleetPod[]): readonly string[] {
  const present = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return present.flatMap((pod) => hashIn(kind, pod) ?? [])
}

export const refOf = ({ metadata }: FleetPod): PodRef => ({ name: metadata.name, uid: metadata.uid ?? '' })

function readySinceOf(pod: FleetPod): Pick<Member, 'readySince'> {
  const readySince = Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '')
  return Number.isNaN(readySince) ? {} : { readySince }
}

const conditionOf = ({ status }: FleetPod, type: string) => status?.conditions?.find((each) => each.type === type)

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

/** The labels that pods of a workload have: those that are there, and those that its present template makes. */
export function labelsOf(live: Workload, pods: readonly FleetPod[]): readonly Labels[] {
  return [templateLabels(live), ...pods.map(({ metadata }) => metadata.labels)]
}
