import type { ClusterClient } from '../../infra/kubernetes/index.ts'
import type { FleetRelease } from '../../releases/index.ts'
import { healthEndpoints } from '../checks/health-endpoints.ts'
import { resources, surgeRoomOf } from '../checks/resources.ts'
import { downtimeWithout } from '../core/downtime.ts'
import type { Execution, Warning } from '../core/model.ts'
import { replacedByHand } from '../drivers/change.ts'
import { discoverTarget } from '../drivers/discover.ts'
import type { FleetDriver } from '../drivers/driver.ts'
import { nameOf } from '../drivers/rendered.ts'
import { readRoom } from '../drivers/room.ts'
import { whatCannotBeSwitched } from '../drivers/switching.ts'
import { type Compared, compareWith, podOf, type WorkloadParts } from '../drivers/workloads.ts'
import type { FleetKind, Survey } from '../ports.ts'
import { atOnce, backupOf, refusalOf, refusedSurvey, type SurveyParts } from './survey.ts'

/** What the fleet of a workload is joined to. */
export type WorkloadFleetParts = SurveyParts & WorkloadParts & { readonly driver: FleetDriver }

/** The replicas of a release's workload. */
export function workloadFleet(parts: WorkloadFleetParts): FleetKind {
  return { driver: parts.driver, survey: (execution) => survey(parts, execution) }
}

async function survey(parts: WorkloadFleetParts, execution: Execution): Promise<Survey> {
  const [release] = await parts.releasesOf(execution)
  const { target, to } = execution
  if (release === undefined || target.kind !== 'workload') throw new TypeError('a workload belongs to a release')
  const { workload } = target
  const way = { workload, chartVersion: to.chartVersion, isFrozen: execution.takesOver }
  const compared = await compareWith(parts, release, way)
  if ('refusal' in compared) return refusedSurvey(compared)
  const { newest, wanted, change, template } = compared
  const client = parts.clientOf(release.clusterId)
  const { namespace } = release
  const [room, backup, fleet, found, image] = await Promise.all([
    readRoom(client, namespace, podOf(wanted, workload)),
    backupOf(parts, release, newest),
    parts.driver.observe(execution, { wantsProbe: () => true, aboutToGo: [] }),
    discoverTarget({ client, namespace, objects: newest, wanted: workload }),
    parts.dockerImage(execution),
  ])
  return {
    resources: resources(execution, room),
    backup,
    health: healthEndpoints(execution, fleet),
    warnings: [
      ...atOnce(change),
      ...stayBehind(execution, compared),
      ...ofWorkload(found),
      ...downtimeWithout(execution, room.pods),
    ],
    change: {
      ...{ podsChange: change.podsChange, others: change.others, surgeRoom: surgeRoomOf(execution, room) },
      template,
    },
    refusal: refusalOf(execution, change, image, workload) ?? (await unswitched(client, release, execution, compared)),
  }
}

/** Services may have changed since initiate. */
async function unswitched(
  client: ClusterClient,
  { namespace }: FleetRelease,
  { spec, target }: Execution,
  compared: Compared,
): Promise<Survey['refusal']> {
  if (spec.strategy !== 'BLUE_GREEN' || target.kind !== 'workload') return null
  const detail = await whatCannotBeSwitched(client, namespace, target.workload, compared)
  return detail === null ? null : { code: 'refused', detail }
}

/** Where nothing of the target moves nothing is held, and nothing refused: what does not move by itself stays as it is. */
function stayBehind({ spec }: Execution, { wanted, change }: Compared): readonly Warning[] {
  if (change.podsChange || spec.strategy === 'RECREATE') return []
  const names = replacedByHand(wanted, change.others).map(nameOf)
  if (names.length === 0) return []
  const message = `the chart leaves it to somebody to delete the pods of ${names.join(', ')}: they stay as they are`
  return [{ code: 'STAYS_BEHIND', message }]
}

/** What somebody should know of the workload before it is upgraded. */
function ofWorkload(found: Awaited<ReturnType<typeof discoverTarget>>): readonly Warning[] {
  if (found.kind !== 'found') return []
  const { autoscaler, workload } = found
  const scaled = `${autoscaler} changes the number of instances: those that it adds join the batch in flight`
  const restarts = `a pod of ${workload.name} that dies by itself comes back in the new version, outside any batch`
  return [
    ...(autoscaler === null ? [] : [{ code: 'AUTOSCALER', message: scaled }]),
    ...(workload.kind === 'DaemonSet' ? [{ code: 'DAEMON_SET', message: restarts }] : []),
  ]
}
