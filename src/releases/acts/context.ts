import type { Clock } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Operation, Release } from '../core/model.ts'
import type { ReleaseCluster, ReleasePorts } from '../ports.ts'

/** What every act of a release works with. */
export type ActDeps = {
  readonly ports: ReleasePorts
  readonly clock: Clock
  /** The release and the operation that an act belongs to, as they were committed with the attempt. */
  readonly subject: (releaseId: Uuid, operationId: Uuid) => Promise<ActSubject>
}

export type ActSubject = { readonly release: Release; readonly operation: Operation }
export type ActTarget = {
  readonly cluster: ReleaseCluster['endpoint']
  readonly namespace: string
  readonly release: string
}

export function targetOf(ports: ReleasePorts, release: Release): ActTarget {
  return { cluster: ports.clusters.of(release.clusterId).endpoint, namespace: release.namespace, release: release.name }
}

/** Seconds that helm may take for hooks: what is left until the deadline, at least one. */
export function secondsLeft(clock: Clock, deadline: number): number {
  return Math.max(1, Math.ceil((deadline - clock.now()) / 1000))
}
