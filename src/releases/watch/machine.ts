import type { Decide } from '../../core/decision.ts'
import { minutes } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { ActContext, Machine } from '../../infra/engine/types.ts'

/** A cluster to follow. It has no state of its own: what is followed is written to releases. */
export type Cluster = { readonly id: Uuid }
export type ClusterAct = { readonly kind: 'follow' }
export type ClusterMachine = Machine<Cluster, never, null, ClusterAct>

/** How long one watch is held before everything is listed anew. */
const followMs = minutes(10)

/** Always follow, whoever holds the lease. An attempt that ended, in whatever way, is followed by the next. */
const decideCluster: Decide<Cluster, never, null, ClusterAct> = (state, _input, now) => ({
  kind: 'next',
  state,
  act: { act: { kind: 'follow' }, baseline: {}, deadline: now + followMs },
  events: [],
  wake: now,
})

/**
 * The machine that follows a cluster: one worker of all holds its watch, under the lease of the cluster. `follow` runs
 * until its signal is aborted.
 */
export function clusterMachine(follow: (clusterId: Uuid, signal: AbortSignal) => Promise<void>): ClusterMachine {
  return {
    kind: 'cluster',
    decide: decideCluster,
    load: async (_tx, id) => ({ id }),
    save: async () => {},
    observe: async () => null,
    mustAbort: () => false,
    acts: { follow: (_act, { lease, signal }: ActContext) => follow(lease.subject.id, signal) },
  }
}
