import type { ActFailure } from '../../core/decision.ts'
import { ClusterError } from '../../infra/kubernetes/index.ts'
import type { Release } from '../core/model.ts'
import type { ReleaseCluster } from '../ports.ts'

/** What was said of a failure. */
export type Said = Pick<ActFailure, 'code' | 'detail'>

/**
 * Why the cluster did not permit something: in a namespace that is being deleted that is why, whatever was said. Its rights
 * go with the rest of it (docs/adr/0038), so that a tenant then seems to have none.
 */
export async function unlessGoing(
  cluster: ReleaseCluster,
  { namespace }: Pick<Release, 'namespace'>,
  said: Said,
): Promise<Said> {
  if (said.code !== 'not_permitted' && said.code !== 'refused') return said
  if (!(await isGoing(cluster, namespace))) return said
  const detail = `the namespace "${namespace}" is being deleted: nothing can be changed in it until it is gone`
  return { code: 'refused', detail }
}

/** A cluster that does not tell leaves the answer as it was. */
async function isGoing(cluster: ReleaseCluster, namespace: string): Promise<boolean> {
  try {
    return await cluster.isTerminating(namespace)
  } catch (error) {
    if (error instanceof ClusterError) return false
    throw error
  }
}
