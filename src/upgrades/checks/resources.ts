import type { Json } from '../../core/json.ts'
import { canSurge } from '../core/downtime.ts'
import type { Execution } from '../core/model.ts'
import type { Room } from '../drivers/room.ts'
import type { Finding } from '../ports.ts'

/** How many instances may run beside those that they replace: as many as there is room for, where that is done at all. */
export function surgeRoomOf(execution: Execution, room: Room): number {
  return canSurge(execution) ? Math.min(room.pods, execution.currentInstances) : 0
}

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
