/*
 * Gate and pin come off for another hand so that its change takes effect. Of a revision that has failed, or is pending, nothing can
 * while what is held has the pod templates that Flotilla's own helm has left: without gate and pin every instance would go to the
 * very version that is given up (docs/adr/0067).
 */
import type { ClaimedRelease, Execution, ReleaseSight, Warning } from './model.ts'
import { statusReasons } from './reasons.ts'
import type { Fleet } from './slots.ts'
import type { Look } from './stages/look.ts'
import { isAsFound } from './surprise.ts'

/** What tells the pod templates of all that is held from any others; null where there are none. Pure. */
export function templatesOf({ podTemplate, others }: Fleet): string | null {
  return podTemplate === undefined ? null : `${podTemplate.mark} ${others.mark ?? ''}`
}

/**
 * True where what ends the execution is a revision of another hand that has changed no workload: nothing is to be let go for it.
 * Asked anew at each look. Before helm has run for the execution, what is found stays as it was found. Pure.
 */
export function isWithoutEffect({ execution, fleet, releases }: Look): boolean {
  const templates = templatesOf(fleet)
  if (execution.ending?.reason !== statusReasons.anotherHand || templates === null) return false
  if (!areWithoutEffect(execution, releases)) return false
  return !execution.deployed || execution.templates === templates
}

/** There are such revisions, and each of them is pending or has failed. */
function areWithoutEffect({ claims }: Execution, releases: Look['releases']): boolean {
  const others = claims.flatMap((claim) => madeByOthers(claim, releases.get(claim.releaseId)))
  return others.length > 0 && others.every(({ exists, stands }) => exists && stands !== undefined)
}

/** A write of ours that came late may hide that hand's: nobody has asked for it either. */
function madeByOthers(claim: ClaimedRelease, sight: ReleaseSight | undefined): readonly ReleaseSight[] {
  const isOurs = sight?.madeBy === 'deploy' || sight?.madeBy === 'undo'
  return sight === undefined || isOurs || isAsFound(claim, sight) ? [] : [sight]
}

/** What is told of an execution that leaves a fleet frozen beside such a revision, and how it goes on from there. */
export const leftFrozen: Warning = {
  code: 'OTHER_REVISION_WITHOUT_EFFECT',
  message:
    "another hand's revision of the release has changed no workload, so the fleet stays frozen: unfreeze, an upgrade, a rollback or the next execution goes on from there; the freeze ends by itself as soon as that hand deploys a revision or changes a pod template",
}
