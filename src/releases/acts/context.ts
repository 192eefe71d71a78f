import type { Clock } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { ActFailed } from '../../infra/engine/index.ts'
import { AccessRefused } from '../../infra/kubernetes/index.ts'
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

/** The release as helm is to reach it: with the rights of its tenant. Throws `ActFailed` where the cluster refuses those. */
export async function targetOf(
  ports: ReleasePorts,
  { clusterId, tenantId, namespace, name }: Release,
): Promise<ActTarget> {
  try {
    return { cluster: await ports.clusters.of(clusterId).asTenant(tenantId, namespace), namespace, release: name }
  } catch (error) {
    if (!(error instanceof AccessRefused)) throw error
    throw new ActFailed('unchanged', { code: 'not_permitted', detail: error.message })
  }
}

/** Seconds that helm may take for hooks: what is left until the deadline, at least one. */
export function secondsLeft(clock: Clock, deadline: number): number {
  return Math.max(1, Math.ceil((deadline - clock.now()) / 1000))
}
