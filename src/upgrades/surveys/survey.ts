import type { Clock } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { ClusterClient, Discovery as KindDiscovery } from '../../infra/kubernetes/index.ts'
import type { FleetRelease, Renderings } from '../../releases/index.ts'
import { backup } from '../checks/backup.ts'
import type { Execution, Warning, WorkloadRef } from '../core/model.ts'
import { readBackups } from '../drivers/backups.ts'
import { type Change, whyNotHeld } from '../drivers/change.ts'
import { nameOf, type Rendered } from '../drivers/rendered.ts'
import type { Refused } from '../drivers/renderings.ts'
import type { Finding, Survey } from '../ports.ts'
import type { Backup } from '../store/backups.ts'

/** What surveys of releases read. Each throws when what it asks does not answer. */
export type SurveyParts = {
  readonly clock: Clock
  readonly clientOf: (clusterId: Uuid) => ClusterClient
  readonly discoveryOf: (clusterId: Uuid) => KindDiscovery
  readonly releasesOf: (execution: Execution) => Promise<readonly FleetRelease[]>
  readonly renderings: (releaseId: Uuid, chartVersion: string) => Promise<Renderings>
  /** The image that the target version is said to run; null where nobody has said. */
  readonly dockerImage: (execution: Execution) => Promise<string | null>
  /** The newest backup that was recorded of a namespace. */
  readonly recorded: (tenantId: Uuid, namespace: string) => Promise<Backup | null>
}

type Refusal = Survey['refusal']

/** A survey that ends where rendering the target does. */
export function refusedSurvey({ refusal }: Refused): Survey {
  const finding: Finding = { status: 'WARNING', message: 'Not looked at: the target is refused', evidence: null }
  return { resources: finding, backup: finding, health: finding, warnings: [], change: null, refusal }
}

/** Why the new version cannot be: it lacks the target, runs another image, or cannot be held. */
export function refusalOf(execution: Execution, change: Change, image: string | null, target: WorkloadRef): Refusal {
  if (change.targetMissing) {
    return { code: 'refused', detail: `${execution.to.version} has no ${nameOf(target)} any more` }
  }
  if (image !== null && !change.images.includes(image)) {
    const runs = change.images.length === 0 ? 'no image' : change.images.join(', ')
    const why = 'an override of the tenant such as image.tag pins another one'
    return { code: 'refused', detail: `${execution.to.version} is said to run ${image}, and would run ${runs}: ${why}` }
  }
  const { cannotGate } = change
  if (cannotGate === null || execution.spec.strategy === 'RECREATE') return null
  return { code: 'cannot_gate', detail: whyNotHeld(cannotGate) }
}

/** What changes for every instance at once, whatever the strategy. */
export function atOnce(change: Change): readonly Warning[] {
  if (change.atOnce.length === 0) return []
  return [{ code: 'CHANGES_AT_ONCE', message: `for every instance at once: ${change.atOnce.join(', ')}` }]
}

/** The backup of a release's volumes: in the cluster, or as it was recorded. */
export async function backupOf(
  parts: SurveyParts,
  release: FleetRelease,
  objects: readonly Rendered[],
): Promise<Finding> {
  const { tenantId, clusterId, namespace } = release
  const asked = { client: parts.clientOf(clusterId), discovery: parts.discoveryOf(clusterId), clock: parts.clock }
  const [sight, recorded] = await Promise.all([
    readBackups(asked, namespace, objects),
    parts.recorded(tenantId, namespace),
  ])
  return backup(sight, recorded, parts.clock.now())
}
