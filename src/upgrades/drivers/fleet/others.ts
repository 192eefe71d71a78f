import {
  apiVersionOf,
  type ClusterClient,
  judgeRelease,
  type ManifestObject,
  mapParallel,
} from '../../../infra/kubernetes/index.ts'
import type { Others, WorkloadRef } from '../../core/model.ts'
import { numberOr } from '../gate/json.ts'
import type { Workload } from '../gate/model.ts'
import { gateKinds } from './context.ts'

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
  const uniform = observed.every(({ live }) => live === null || isUniform(live))
  return { settled, uniform, blockers: words.slice(0, MOST_BLOCKERS) }
}

/** True when a workload has pods of its present template only, as its controller has seen it. Pure. */
export function isUniform({ metadata, status = {} }: Workload): boolean {
  if (numberOr(status.observedGeneration, 0) < (metadata.generation ?? 0)) return false
  const [all, updated] =
    status.desiredNumberScheduled === undefined
      ? [status.replicas, status.updatedReplicas]
      : [status.currentNumberScheduled, status.updatedNumberScheduled]
  return numberOr(updated, 0) === numberOr(all, 0)
}
