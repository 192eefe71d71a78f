import type { Instant } from '../../core/instant.ts'
import type { Execution } from './model.ts'
import type { Look } from './stages/look.ts'

/**
 * With the time of the stage begun anew where the other workloads of the release are further than they ever were in it: a
 * controller may take as long for all pods of a workload as it takes for each. Counted is the most that was seen, so that pods
 * which come and go move no limit on for ever.
 */
export function followOthers({ execution, fleet, now }: Look): Execution {
  const { progress = 0 } = fleet.others
  const most = execution.othersProgress ?? null
  if (most !== null && progress <= most) return execution
  return { ...execution, othersProgress: progress, stageSince: most === null ? execution.stageSince : now }
}

/**
 * The same of its own instances, of which so many are as the stage wants them now: a controller may make one after another, and
 * each has its time. What comes and goes, also by an autoscaler that flaps, moves no limit on for ever.
 */
export function followInstances(execution: Execution, count: number, now: Instant): Execution {
  const most = execution.instancesProgress ?? null
  if (most !== null && count <= most) return execution
  return { ...execution, instancesProgress: count, stageSince: most === null ? execution.stageSince : now }
}
