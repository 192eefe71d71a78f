import { bothMasks, type Mask, maskedSaying, showAll } from '../infra/secrets/mask.ts'
import type { CheckReport, ExecutionObservation, FleetSight } from './core/model.ts'

type Present = Extract<FleetSight, { kind: 'present' }>

/**
 * A look as it may be kept: what schedulers, controllers, budgets and checks say of a fleet becomes what callers are told, in
 * waits, instances and transitions, and a chart may have made any name in it of a value that its schema marks
 * (docs/adr/0027). Names of pods that are acted upon stay. The mask is asked for only where there is something to hide.
 */
export async function shownSight(
  seen: ExecutionObservation,
  maskOf: () => Promise<Mask>,
): Promise<ExecutionObservation> {
  if (seen.kind === 'unreadable') return seen
  const { fleet, checks } = seen
  if (checks === null && !tells(fleet)) return seen
  const mask = await maskOf()
  return { ...seen, fleet: shownFleet(fleet, mask), checks: checks === null ? null : shownChecks(checks, mask) }
}

function tells(fleet: FleetSight | null): boolean {
  if (fleet?.kind !== 'present') return false
  const { whyNoPods, members, refusals, disruptions = null, others } = fleet
  if (whyNoPods !== null || disruptions !== null || others.blockers.length > 0 || Object.keys(refusals).length > 0)
    return true
  return members.some(({ problem }) => problem !== null)
}

function shownFleet(fleet: FleetSight | null, mask: Mask): FleetSight | null {
  if (fleet?.kind !== 'present') return fleet
  const { disruptions = null } = fleet
  const shown: Pick<Present, 'whyNoPods' | 'members' | 'refusals' | 'disruptions' | 'others'> = {
    whyNoPods: saying(fleet.whyNoPods, mask),
    members: fleet.members.map((member) => ({ ...member, problem: saying(member.problem, mask) })),
    refusals: Object.fromEntries(Object.entries(fleet.refusals).map(([uid, why]) => [uid, mask(why)])),
    disruptions: disruptions === null ? null : { ...disruptions, why: mask(disruptions.why) },
    others: { ...fleet.others, blockers: fleet.others.blockers.map((each) => mask(each)) },
  }
  return { ...fleet, ...shown }
}

const saying = (text: string | null, mask: Mask): string | null => (text === null ? null : maskedSaying(text, mask))

function shownChecks({ checks, warnings, refusal, change }: CheckReport, mask: Mask): CheckReport {
  return {
    checks: checks.map((check) => ({ ...check, message: mask(check.message), evidence: mask(check.evidence) })),
    warnings: warnings.map((warning) => ({ ...warning, message: mask(warning.message) })),
    refusal: refusal === null ? null : { ...refusal, detail: mask(refusal.detail) },
    // What is to be moved, by its names: acts go by it.
    change,
  }
}

/** Several releases' masks as one. */
export const allMasks = (masks: readonly Mask[]): Mask => masks.reduce(bothMasks, showAll)
