import { Problem } from '../../core/problems.ts'
import type { FleetRelease } from '../../releases/index.ts'
import { healthEndpoints } from '../checks/health-endpoints.ts'
import { downtimeWithout, resources, surgeRoomOf } from '../checks/resources.ts'
import type { Execution, Warning, WorkloadRef } from '../core/model.ts'
import type { FleetKind, Foreseen, FoundWorkload, Survey, WorkloadRequest } from '../ports.ts'
import { compareRenderings, refusedField, whyNotHeld } from './change.ts'
import { chooseWorkload, type Discovery, discoverTarget } from './discover.ts'
import type { FleetDriver } from './driver.ts'
import { within } from './gate/json.ts'
import { isSame, objectsOf, type Rendered, renderedObjects, workloadsOf } from './rendered.ts'
import { readRoom } from './room.ts'
import { readUnsettled, settled, type Unsettled } from './standing.ts'
import { atOnce, backupOf, refusalOf, renderedOrRefused, type SurveyParts } from './survey.ts'

/** What the fleet of a workload is joined to. */
export type WorkloadParts = SurveyParts & {
  readonly driver: FleetDriver
  /** The manifest of the newest revision, with its hooks. */
  readonly deployed: (release: FleetRelease) => Promise<string>
  /** The workloads beside the target that an execution has left frozen. */
  readonly frozenOthers: (release: FleetRelease) => Promise<readonly WorkloadRef[]>
}

/** The replicas of a release's workload. */
export function workloadFleet(parts: WorkloadParts): FleetKind {
  return { driver: parts.driver, survey: (execution) => survey(parts, execution) }
}

/**
 * The workload of a release that a request means, as it is now. Throws `Problem` 422 where there is none, where it is not
 * clear, or where it has no replicas.
 */
export async function findWorkload(
  parts: WorkloadParts,
  release: FleetRelease,
  wanted: WorkloadRequest | null,
): Promise<FoundWorkload> {
  const objects = objectsOf(await parts.deployed(release))
  const { clusterId, namespace } = release
  const found = await discoverTarget({ client: parts.clientOf(clusterId), namespace, objects, wanted })
  if (found.kind !== 'found') throw refused(release, found.detail)
  return { ...found, heldBy: fieldOf(objects, found) }
}

/** Which field keeps the workload from being held; null where it can be. */
function fieldOf(objects: readonly Rendered[], { workload, capabilities }: Discovery): string | null {
  if (capabilities.hold !== 'none') return null
  const chosen = chooseWorkload(objects, workload)
  return ('detail' in chosen ? null : refusedField(chosen.kind, chosen.body)) ?? 'spec.paused'
}

/**
 * What rendering a version tells of the way there: whether the release can be moved instance by instance, and how much room
 * there is. Null where that version does not even render, which its validation tells. Throws `Problem`, `ClusterError` of
 * what does not answer.
 */
export async function foresee(
  parts: WorkloadParts,
  release: FleetRelease,
  workload: WorkloadRef,
  chartVersion: string,
): Promise<Foreseen | null> {
  const rendered = await renderedOrRefused(() => parts.renderings(release.id, chartVersion))
  if ('refusal' in rendered) return null
  const [newest, wanted] = [objectsOf(rendered.deployed), renderedObjects(rendered.wanted)]
  const unsettled = await unsettledOf(parts, release, release.frozen !== null, newest, wanted, workload)
  const { cannotGate } = compareRenderings(newest, wanted, workload, unsettled.workloads)
  return {
    notHeld: cannotGate === null ? null : whyNotHeld(cannotGate),
    room: () => readRoom(parts.clientOf(release.clusterId), release.namespace, podOf(wanted, workload)),
  }
}

function refused({ namespace, name }: FleetRelease, why: string): Problem {
  const message = `the release ${namespace}/${name}: ${why}`
  return new Problem('refused', message, { errors: [{ pointer: '/target', message }] })
}

async function survey(parts: WorkloadParts, execution: Execution): Promise<Survey> {
  const [release] = await parts.releasesOf(execution)
  const { target } = execution
  if (release === undefined || target.kind !== 'workload') throw new TypeError('a workload belongs to a release')
  const rendered = await renderedOrRefused(() => parts.renderings(release.id, execution.to.chartVersion))
  if ('refusal' in rendered) return rendered
  const [before, after] = [objectsOf(rendered.deployed), renderedObjects(rendered.wanted)]
  const unsettled = await unsettledOf(parts, release, execution.takesOver, before, after, target.workload)
  const change = compareRenderings(before, after, target.workload, unsettled.workloads)
  const client = parts.clientOf(release.clusterId)
  const { namespace } = release
  const [room, backup, fleet, found, image] = await Promise.all([
    readRoom(client, namespace, podOf(after, target.workload)),
    backupOf(parts, release, before),
    parts.driver.observe(execution, { wantsProbe: () => true, leaving: [] }),
    discoverTarget({ client, namespace, objects: before, wanted: target.workload }),
    parts.dockerImage(execution),
  ])
  return {
    resources: resources(execution, room),
    backup,
    health: healthEndpoints(execution, fleet),
    warnings: [...atOnce(change), ...ofWorkload(found), ...downtimeWithout(execution, room)],
    change: {
      ...{ podsChange: change.podsChange, others: change.others, surgeRoom: surgeRoomOf(execution, room) },
      template: unsettled.template,
    },
    refusal: refusalOf(execution, change, image, target.workload),
  }
}

/** What of the release the newest revision does not tell: of a frozen fleet, and where the last operation has failed. */
async function unsettledOf(
  parts: WorkloadParts,
  release: FleetRelease,
  isFrozen: boolean,
  newest: readonly Rendered[],
  wanted: readonly Rendered[],
  target: WorkloadRef,
): Promise<Unsettled> {
  if (isFrozen) return { ...settled, workloads: [target, ...(await parts.frozenOthers(release))] }
  if (!release.newestFailed) return settled
  return readUnsettled(parts.clientOf(release.clusterId), release.namespace, newest, wanted, target)
}

/** The pod spec that the new version has. */
function podOf(objects: readonly Rendered[], target: WorkloadRef) {
  return within(workloadsOf(objects).find((each) => isSame(each, target))?.body ?? {}, 'spec', 'template', 'spec')
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
