import type { Clock } from '../../../core/instant.ts'
import type { Uuid } from '../../../core/subject.ts'
import type { Db } from '../../../infra/database/types.ts'
import type { ClusterClient } from '../../../infra/kubernetes/index.ts'
import type { Execution, WorkloadKind, WorkloadRef } from '../../core/model.ts'
import type { GateStore } from '../../store/gates.ts'
import { daemonSet } from '../daemon-set/index.ts'
import { deployment } from '../deployment/index.ts'
import type { GateKind } from '../gate/model.ts'
import { statefulSet } from '../stateful-set/index.ts'

/** Where a release lives. */
export type ReleasePlace = {
  readonly clusterId: Uuid
  readonly namespace: string
  /** Of Helm's newest revision, however it ended; null where that is not known. */
  readonly newestChartVersion: string | null
}

/** What the drivers of workloads are made of. */
export type FleetParts = {
  readonly db: Db
  readonly gates: GateStore
  readonly clock: Clock
  /** Null for a release that is not known any more. */
  readonly placeOf: (releaseId: Uuid) => Promise<ReleasePlace | null>
  /** Throws `Problem` cluster_unavailable for a cluster that this server does not reach. */
  readonly clientOf: (clusterId: Uuid) => ClusterClient
}

export const gateKinds: Readonly<Record<WorkloadKind, GateKind>> = {
  Deployment: deployment,
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
}

/** The target of an execution, found: its kind, its name, and where it lives. */
export type Fleet = ReleasePlace & {
  readonly releaseId: Uuid
  readonly client: ClusterClient
  readonly workload: WorkloadRef
  readonly kind: GateKind
}

/** Null where the release is not known. Throws `TypeError` for a target that is no workload. */
export async function fleetOf(parts: FleetParts, { target }: Pick<Execution, 'target'>): Promise<Fleet | null> {
  if (target.kind !== 'workload') throw new TypeError(`a target of ${target.kind} is no workload`)
  const { releaseId, workload } = target
  const place = await parts.placeOf(releaseId)
  if (place === null) return null
  return { ...place, releaseId, workload, kind: gateKinds[workload.kind], client: parts.clientOf(place.clusterId) }
}
