import { Problem } from '../../core/problems.ts'
import type { Execution, FleetSight } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'

type Fleet = Extract<FleetSight, { kind: 'present' }>

/** `seeds/004`, "UpgradeRequest Structure": the size of a rehearsal that says none. */
export const rehearsalSize = 10

/**
 * The fleet as it is now: what the instances of an execution are made of. `draft` names the target. Throws `Problem`: 422
 * where there are no instances, or not as many as were said.
 */
export async function countFleet(
  { ports }: Pick<UpgradeDeps, 'ports'>,
  draft: Execution,
  totalInstances: number | undefined,
): Promise<Fleet> {
  const nothing = { wantsProbe: () => false, aboutToGo: [] }
  const sight = await ports.fleets[draft.target.kind].driver.observe(draft, nothing)
  if (sight.kind === 'gone') throw refused('/target', sight.why)
  if (sight.wanted === 0) throw refused('/target', 'the target has no replicas')
  if (totalInstances === undefined || totalInstances === sight.wanted) return sight
  const message = `${totalInstances} instances were named, and there are ${sight.wanted}`
  throw refused('/totalInstances', message, { totalInstances, found: sight.wanted })
}

function refused(pointer: string, message: string, extra: Readonly<Record<string, number>> = {}): Problem {
  return new Problem('refused', message, { errors: [{ pointer, message }], extra })
}
