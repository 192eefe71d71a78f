import { isOnTarget } from './instances.ts'
import type { Execution } from './model.ts'

/**
 * How many instances of each version an execution left behind frozen (SPEC section 5, "Freeze"); null when it left
 * nothing frozen. Asked once it is at its end, with the gate that was seen last.
 */
export function frozenVersions(execution: Execution): Readonly<Record<string, number>> | null {
  if (!execution.frozen) return null
  const versions: Record<string, number> = {}
  for (const instance of execution.instances) {
    const version = isOnTarget(instance) ? execution.to.version : execution.from.version
    versions[version] = (versions[version] ?? 0) + 1
  }
  return versions
}
