import type { ActContext } from '../../infra/engine/types.ts'
import type { Execution, FleetSight, GatePosition, PodRef } from '../core/model.ts'

/** What an act is carried out under: the lease, and the signal that ends with the act's deadline too. */
export type Held = Pick<ActContext, 'lease' | 'signal'>

/**
 * One kind of fleet, as executions see it. Every method throws when the cluster does not answer; whoever observes turns
 * that into `unreadable`. Acts are repeatable: they bring a wanted thing about, whatever was there, and refuse (409 of
 * the API server, `ActFailed` unchanged) to write over something that changed since it was read. Each looks at the
 * lease right before it writes.
 */
export interface FleetDriver {
  /** Looks at the fleet; changes nothing. Health endpoints are asked of the pods that `wantsProbe` names. */
  observe(execution: Execution, look: FleetLook): Promise<FleetSight>
  /** Brings the gate into a position. `take`: pods of the previous version that may go now, and no others. */
  gate(execution: Execution, position: GatePosition, take: readonly PodRef[], held: Held): Promise<void>
  /** Pins the Services that select the target's pods to one side; null takes the pin away. */
  pin(execution: Execution, to: 'previous' | 'target' | null, held: Held): Promise<void>
  /** Deletes these very pods, by UID. */
  removePods(execution: Execution, pods: readonly PodRef[], held: Held): Promise<void>
}

export type FleetLook = {
  /** True for a pod whose health endpoint is due to be asked now. */
  readonly wantsProbe: (pod: PodRef) => boolean
  /** Pods that are about to go: an eviction of each is asked for as a dry run. */
  readonly aboutToGo: readonly PodRef[]
}
