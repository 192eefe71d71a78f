import { isAdmitted } from './instances.ts'
import type { Execution, Instance, Member, Side } from './model.ts'
import type { Fleet } from './slots.ts'

/**
 * How many pods of each version run in a fleet that is left frozen (SPEC section 5, "Freeze"), ready or not, as it was
 * seen last. A place that has lost its pod just then gets one of the version that it was let go for, or kept; one that never
 * had a pod is not counted. The version that helm applied last is named also where nothing runs it yet: that is what the freeze keeps away.
 */
export function versionsIn(
  execution: Execution,
  { members, template }: Pick<Fleet, 'members' | 'template'>,
): Readonly<Record<string, number>> {
  const present = members.filter(({ terminating }) => !terminating).map((member) => versionOf(execution, member))
  const left = execution.instances.filter(({ pod, previousPods }) => pod === null && previousPods.length > 0)
  const empty = left.map((place) => versionToCome(execution, place))
  const counts: Record<string, number> = applied(execution, template)
  for (const version of [...present, ...empty]) counts[version] = (counts[version] ?? 0) + 1
  return counts
}

/** On the way forward a template that nothing runs yet is the target's: without helm having applied it nothing is frozen. */
function applied({ from, to, status }: Execution, template: Side | null): Record<string, number> {
  const side = template ?? (status === 'ROLLING_BACK' ? 'other' : 'target')
  if (side === 'other') return {}
  return { [side === 'target' ? to.version : from.version]: 0 }
}

/** Pods of a version that nobody has told. */
const unknown = 'unknown'

function versionOf({ from, to }: Execution, { side, version }: Member): string {
  if (version !== undefined) return version
  if (side === 'other') return unknown
  return side === 'target' ? to.version : from.version
}

function versionToCome({ status, from, to }: Execution, place: Instance): string {
  return status !== 'ROLLING_BACK' && isAdmitted(place) ? to.version : from.version
}
