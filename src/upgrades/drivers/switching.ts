import { type ClusterClient, resources, selectorText } from '../../infra/kubernetes/index.ts'
import type { WorkloadRef } from '../core/model.ts'
import { gateKinds } from './fleet/context.ts'
import { type FleetPod, templateLabels } from './fleet/members.ts'
import { within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'
import { isSame, type Rendered, workloadsOf } from './rendered.ts'
import { whyNotSwitched } from './services/beside.ts'
import type { Service } from './services/select.ts'

/** What is deployed, and what is to be. */
type Renderings = { readonly newest: readonly Rendered[]; readonly wanted: readonly Rendered[] }

/**
 * Why BLUE_GREEN could not switch traffic on the way from what is deployed to a version; null where it could, or where the
 * workload is not there, which others tell. Throws `ClusterError`.
 */
export async function whatCannotBeSwitched(
  client: ClusterClient,
  namespace: string,
  workload: WorkloadRef,
  { newest, wanted }: Renderings,
): Promise<string | null> {
  const next = workloadsOf(wanted).find((each) => isSame(each, workload))
  const named = { namespace, name: workload.name }
  const live = await client.find<Workload>(gateKinds[workload.kind].resource, named)
  const labelSelector = live === null ? null : selectorText(within(live.spec, 'selector'))
  if (next === undefined || labelSelector === null) return null
  const [services, pods] = await Promise.all([
    client.list<Service>(resources.services, { namespace }),
    client.list<FleetPod>(resources.pods, { namespace, labelSelector }),
  ])
  const why = whyNotSwitched({
    ...{ present: services.items, deployed: newest, wanted },
    pods: pods.items.map(({ metadata }) => metadata.labels),
    template: templateLabels(next.body as unknown as Workload),
  })
  return why === null ? null : `BLUE_GREEN switches traffic between both versions: ${why}`
}
