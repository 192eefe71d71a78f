import type { Instant } from '../../../core/instant.ts'
import { failureOf, releasesWith } from '../children.ts'
import { targetPod } from '../instances.ts'
import { unchangedInstance } from '../judge.ts'
import type { Execution, Instance, Member } from '../model.ts'
import { mapChanged, patch } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import type { Members } from '../slots.ts'
import { strategyOf } from '../strategies/index.ts'
import { stop } from '../turns.ts'
import { templatesOf } from '../without-effect.ts'
import { waitForHelm } from './helm-at-work.ts'
import { act, go, goTo, type Look, type StageHandler, type Step } from './look.ts'

/** Helm applies the target version; the gate keeps every pod as it is. */
export const deploying: StageHandler = (look) => {
  const { execution, releases, now } = look
  if (movesEach(execution)) return goTo(look, foundThere(execution, now), 'moving')
  const failure = failureOf(execution, releases, 'deploy')
  if (failure !== null) return go(stop(execution, statusReasons.deploy, failure.detail, now))
  const waiting = releasesWith(execution, releases, 'deploy', 'absent')
  if (waiting.length > 0) {
    return act({ ...execution, deployed: true }, { kind: 'deploy', releaseIds: waiting }, waits.helm)
  }
  const applied = releasesWith(execution, releases, 'deploy', 'held', 'succeeded')
  if (applied.length < execution.claims.length) return waitForHelm(look, 'deploy')
  return deployed({ ...look, execution: withApplied(look) })
}

/** The pod template that helm has applied is learnt once, as soon as that is seen: what becomes of it later is another hand's. */
function withApplied({ execution, fleet }: Look): Execution {
  const { applied, templates } = execution
  return patch(execution, { applied: applied ?? fleet.podTemplate ?? null, templates: templates ?? templatesOf(fleet) })
}

function deployed(look: Look): Step {
  const { execution } = look
  if (execution.change?.podsChange !== true) return goTo(look, unchanged(look), 'opening')
  const { switches } = strategyOf(execution)
  if (look.fleet.pin !== null && !switches) return act(execution, { kind: 'pin', to: null }, waits.pin)
  const isThere = execution.takesOver || execution.change.template === 'to'
  return goTo(look, isThere ? joined(look, switches) : execution, switches ? 'pinning' : 'moving')
}

/**
 * What an execution before, or an upgrade that failed, has moved to this version already counts as let go: it has to
 * pass, and takes no batch. An old pod beside it stays until it has.
 */
function joined({ execution, members, now }: Look, surge: boolean): Execution {
  const unplaced = unplacedOld(execution, members)
  const instances = mapChanged(execution.instances, (one): Instance => {
    if (one.status !== 'PENDING' || targetPod(one) === null) return one
    const pair = one.nextPod === null ? beside(one, unplaced.shift()) : one
    return { ...pair, status: 'UPGRADING', surge: surge || pair.nextPod !== null, startedAt: now }
  })
  return { ...execution, instances }
}

/** Releases that an execution before has moved to this version already have to pass, and are given nothing. */
function foundThere(execution: Execution, now: Instant): Execution {
  const instances = mapChanged(execution.instances, (one): Instance => {
    const isThere = one.status === 'PENDING' && targetPod(one) !== null
    return isThere ? { ...one, status: 'HEALTH_CHECKING', startedAt: now } : one
  })
  return patch(execution, { instances })
}

/** Where pods can take any place there may be more than there are places. */
function unplacedOld({ instances, capabilities }: Execution, members: Members): Member[] {
  if (!capabilities.surge) return []
  const placed = new Set(instances.flatMap(({ pod, nextPod }) => [pod?.uid, nextPod?.uid]))
  return [...members.values()].filter(({ pod, side }) => side !== 'target' && !placed.has(pod.uid))
}

function beside(one: Instance, old: Member | undefined): Instance {
  if (old === undefined) return one
  const { pod, side, ready, version = null } = old
  return { ...one, pod, side, ready, version, nextPod: one.pod }
}

/** Where every instance is a release, each is given its upgrade in its turn. */
function movesEach({ capabilities, change }: Execution): boolean {
  return capabilities.hold === 'each' && change?.podsChange === true
}

/** Helm changed something else than pods: every instance runs what it should already. */
function unchanged({ execution, now }: Look): Execution {
  return { ...execution, instances: execution.instances.map((instance) => unchangedInstance(instance, now)) }
}
