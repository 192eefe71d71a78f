import {
  apiVersionOf,
  type ClusterClient,
  judgeRelease,
  type ManifestObject,
  mapParallel,
} from '../../../infra/kubernetes/index.ts'
import type { Others, PodRef, WorkloadKind, WorkloadRef } from '../../core/model.ts'
import { numberOr } from '../gate/json.ts'
import { markOf } from '../gate/mark.ts'
import { isOnDelete, type Workload } from '../gate/model.ts'
import { gateKinds } from './context.ts'
import { readPods, refOf } from './members.ts'

const AT_ONCE = 4
const MOST_BLOCKERS = 10

/** How far the other workloads of the release are, in words. Throws `ClusterError`. */
export async function readOthers(
  client: ClusterClient,
  namespace: string,
  others: readonly WorkloadRef[],
): Promise<Others> {
  const observed = await mapParallel(others, AT_ONCE, async ({ kind, name }) => {
    const { resource } = gateKinds[kind]
    const live = await client.find<Workload>(resource, { namespace, name })
    const wanted: ManifestObject = {
      ...{ apiVersion: apiVersionOf(resource), kind, name, namespace, annotations: {}, hook: null, body: {} },
    }
    return { wanted, live }
  })
  const { settled, blockers } = judgeRelease(observed)
  const words = blockers.map(({ object, reason }) => `${object.kind} ${object.name}: ${reason}`)
  const lives = observed.flatMap(({ live }) => live ?? [])
  const manual = await mapParallel(lives.filter(isOnDelete), AT_ONCE, (live) => readManual(client, live))
  const going = manual.flatMap((each) => (each.going ? `${each.name}: pods are on their way out` : []))
  const left = manual.flatMap((each) => each.left)
  return {
    settled: settled && going.length === 0,
    uniform: lives.every(isUniform),
    blockers: [...words, ...going].slice(0, MOST_BLOCKERS),
    ...(left.length === 0 ? {} : { left }),
    progress: lives.reduce((sum, live) => sum + progressOf(live), 0),
    ...(lives.length === 0 ? {} : { mark: lives.map(markOf).join(' ') }),
  }
}

type Manual = { readonly name: string; readonly left: readonly PodRef[]; readonly going: boolean }

/** The status of such a workload says that it is ready whatever its pods run, and a moment too long. */
async function readManual(client: ClusterClient, live: Workload): Promise<Manual> {
  const kind = gateKinds[live.kind as WorkloadKind]
  const name = `${live.kind} ${live.metadata.name}`
  const lineage = await kind.lineage(client, live)
  if (lineage.current === null) return { name, left: [], going: true }
  const pods = await readPods(client, live, lineage)
  const there = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const left = there.filter(({ metadata }) => metadata.labels?.[kind.hashLabel] !== lineage.current).map(refOf)
  return { name, left, going: there.length < pods.length }
}

/** How many of its pods are updated and how many ready, in one number; 0 while its controller speaks of an older spec. Pure. */
export function progressOf(live: Workload): number {
  if (!isSeen(live)) return 0
  const { status = {} } = live
  const [updated, ready] =
    status.desiredNumberScheduled === undefined
      ? [status.updatedReplicas, status.readyReplicas]
      : [status.updatedNumberScheduled, status.numberReady]
  return numberOr(updated, 0) + numberOr(ready, 0)
}

/** True once its controller has seen its newest spec. */
const isSeen = ({ metadata, status = {} }: Workload): boolean =>
  numberOr(status.observedGeneration, 0) >= (metadata.generation ?? 0)

/** True when a workload has pods of its present template only, as its controller has seen it. Pure. */
export function isUniform(live: Workload): boolean {
  if (!isSeen(live)) return false
  const { status = {} } = live
  const [all, updated] =
    status.desiredNumberScheduled === undefined
      ? [status.replicas, status.updatedReplicas]
      : [status.currentNumberScheduled, status.updatedNumberScheduled]
  return numberOr(updated, 0) === numberOr(all, 0)
}
