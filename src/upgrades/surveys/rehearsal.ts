import type { Clock } from '../../core/instant.ts'
import type { Db } from '../../infra/database/types.ts'
import type { Execution } from '../core/model.ts'
import { simulatedFleet } from '../drivers/rehearsal.ts'
import type { Finding, Fleets, Survey } from '../ports.ts'

/** The fleets of rehearsals, kept in the database. */
export function rehearsalFleet(parts: { readonly db: Db; readonly clock: Clock }): Fleets['rehearsal'] {
  return { ...simulatedFleet(parts), survey: async (execution) => simulated(execution) }
}

/** There is room for all, everything is backed up, and every endpoint answers: what goes wrong is said by the faults. */
function simulated({ currentInstances }: Execution): Survey {
  const finding = (what: string): Finding => ({
    status: 'PASSED',
    message: `A rehearsal: ${what}`,
    evidence: { rehearsal: true },
  })
  return {
    resources: finding('there is room for all'),
    backup: finding('there is nothing to back up'),
    health: finding('every health endpoint answers'),
    warnings: [],
    change: { podsChange: true, others: [], surgeRoom: currentInstances },
    refusal: null,
  }
}
