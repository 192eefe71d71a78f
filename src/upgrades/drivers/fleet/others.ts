import {
  apiVersionOf,
  type ClusterClient,
  judgeRelease,
  type ManifestObject,
  mapParallel,
} from '../../../infra/kubernetes/index.ts'
import type { FleetSight, WorkloadRef } from '../../core/model.ts'
import type { Workload } from '../gate/model.ts'
import { gateKinds } from './context.ts'

type Others = Extract<FleetSight, { kind: 'present' }>['others']

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
  return { settled, blockers: words.slice(0, MOST_BLOCKERS) }
}
