import type { Instant } from '../../../core/instant.ts'
import type { FleetSight, Side } from '../model.ts'

/** Another workload of the release: so many pods, replaced one after another; `stuckAt`: the one that never comes up. */
export type OtherWorkload = { readonly pods: number; readonly secondsEach: number; readonly stuckAt?: number }

/** Moves as soon as it has no gate any more, towards what helm applied last. */
export class OtherFleet {
  private readonly workload: OtherWorkload
  private to: Side = 'previous'
  private since: Instant = 0

  constructor(workload: OtherWorkload) {
    this.workload = workload
  }

  /** The sight of the fleet, with this workload beside it. */
  beside(fleet: FleetSight, now: Instant): FleetSight {
    if (fleet.kind === 'gone') return fleet
    if (fleet.gate.kind === 'none' && fleet.template !== null && fleet.template !== this.to) {
      this.to = fleet.template
      this.since = now
    }
    const { pods, secondsEach, stuckAt = pods } = this.workload
    const come = Math.floor((now - this.since) / 1000 / secondsEach)
    const most = this.to === 'target' ? stuckAt : pods
    const updated = Math.min(come, pods, most)
    const settled = updated === pods
    const blockers = settled ? [] : [`StatefulSet second: ${updated} of ${pods} are updated`]
    const ready = settled ? pods : pods - 1
    return { ...fleet, others: { settled, uniform: settled || updated === 0, blockers, progress: updated + ready } }
  }
}
