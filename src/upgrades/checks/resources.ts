import type { Json } from '../../core/json.ts'
import { budgetOf } from '../core/batches.ts'
import type { Execution, Warning } from '../core/model.ts'
import { strategyOf } from '../core/strategies/index.ts'
import type { Room } from '../drivers/room.ts'
import type { Finding } from '../ports.ts'

/** How many instances may run beside those that they replace: as many as there is room for, where that is done at all. */
export function surgeRoomOf(execution: Execution, room: Room): number {
  return canSurge(execution) ? Math.min(room.pods, execution.currentInstances) : 0
}

const canSurge = (execution: Execution): boolean =>
  execution.capabilities.surge && strategyOf(execution).surges && execution.spec.strategy !== 'RECREATE'

/** Pre-check 2: quotas and nodes have room for the instances that run beside others. */
export function resources(execution: Execution, room: Room): Finding {
  const { spec, currentInstances: total } = execution
  const evidence = { pods: room.pods, ...room.evidence } as unknown as Json
  if (!canSurge(execution)) {
    return {
      status: 'PASSED',
      message: 'No instance runs beside the one that it replaces: no room is needed',
      evidence,
    }
  }
  if (spec.strategy === 'BLUE_GREEN' && room.pods < total) {
    return {
      status: 'FAILED',
      message: `There is room for ${room.pods} more instances, and BLUE_GREEN needs ${total}`,
      evidence,
    }
  }
  if (room.pods > 0) return { status: 'PASSED', message: `There is room for ${room.pods} more instances`, evidence }
  return {
    status: 'WARNING',
    message: 'There is no room for another instance: the budget of unavailable ones applies',
    evidence,
  }
}

/** True where only room beside the instances keeps one ready: without it the budget is all of them. */
export function needsRoom(execution: Execution): boolean {
  const { spec, currentInstances: total } = execution
  return canSurge(execution) && budgetOf(total, spec.maxUnavailablePercentage) >= total
}

/** Without room the budget applies: what that means where it is all of them (SPEC section 5, "Safety"). */
export function downtimeWithout(execution: Execution, room: Room): readonly Warning[] {
  if (room.pods > 0 || !needsRoom(execution)) return []
  return [{ code: 'DOWNTIME', message: 'there is no room for another instance, so for a while none will be ready' }]
}
