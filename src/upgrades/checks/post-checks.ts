import type { CheckReport, Execution, FleetSight } from '../core/model.ts'
import { health } from './health.ts'
import { ready } from './ready.ts'
import { version } from './version.ts'

/** The post-checks, made of a look at the fleet in which every health endpoint was asked. */
export function postChecks(execution: Execution, fleet: FleetSight): CheckReport | null {
  if (fleet.kind === 'gone') return null
  const members = fleet.members.filter(({ terminating }) => !terminating)
  const checks = [version(execution, members), ready(fleet.wanted, members), health(execution, members, fleet.probes)]
  return { checks, warnings: [], change: null, refusal: null }
}
