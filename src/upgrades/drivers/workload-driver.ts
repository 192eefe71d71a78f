import type { Execution, FleetSight, GatePosition, PodRef } from '../core/model.ts'
import type { FleetDriver, FleetLook, Held } from './driver.ts'
import { type FleetParts, fleetOf } from './fleet/context.ts'
import { deletePod } from './fleet/evictions.ts'
import { moveGate } from './fleet/gate-act.ts'
import { acting } from './fleet/hand.ts'
import { observeFleet } from './fleet/observe.ts'
import { pinFleet } from './fleet/pin-act.ts'

/** The driver of Deployments, StatefulSets and DaemonSets: the one that a target names by its kind. */
export function workloadDriver(parts: FleetParts): FleetDriver {
  return new WorkloadDriver(parts)
}

class WorkloadDriver implements FleetDriver {
  readonly #parts: FleetParts

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  observe(execution: Execution, look: FleetLook): Promise<FleetSight> {
    return observeFleet(this.#parts, execution, look)
  }

  gate(execution: Execution, position: GatePosition, take: readonly PodRef[], held: Held): Promise<void> {
    return acting(held, (hand) => moveGate(this.#parts, execution, { position, take }, hand))
  }

  pin(execution: Execution, to: 'previous' | 'target' | null, held: Held): Promise<void> {
    return acting(held, (hand) => pinFleet(this.#parts, execution, to, hand))
  }

  removePods(execution: Execution, pods: readonly PodRef[], held: Held): Promise<void> {
    return acting(held, async (hand) => {
      const fleet = await fleetOf(this.#parts, execution)
      if (fleet === null) return
      for (const pod of pods) await deletePod(fleet.client, fleet.namespace, pod, hand)
    })
  }
}
