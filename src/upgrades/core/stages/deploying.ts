import { failureOf, releasesWith } from '../children.ts'
import { targetPod } from '../instances.ts'
import { unchangedInstance } from '../judge.ts'
import type { Execution, Instance } from '../model.ts'
import { mapChanged } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { strategyOf } from '../strategies/index.ts'
import { stop } from '../turns.ts'
import { act, go, goTo, type Look, type StageHandler, type Step, soon, wait } from './look.ts'

/** Helm applies the target version; the gate keeps every pod as it is. */
export const deploying: StageHandler = (look) => {
  const { execution, releases, now } = look
  if (movesEach(execution)) return goTo(look, execution, 'moving')
  const failure = failureOf(execution, releases, 'deploy')
  if (failure !== null) return go(stop(execution, statusReasons.deploy, failure.detail, now))
  const waiting = releasesWith(execution, releases, 'deploy', 'absent')
  if (waiting.length > 0) {
    return act({ ...execution, deployed: true }, { kind: 'deploy', releaseIds: waiting }, waits.helm)
  }
  const applied = releasesWith(execution, releases, 'deploy', 'held', 'succeeded')
  if (applied.length < execution.claims.length) return wait(execution, waits.helm, soon(look))
  return deployed(look)
}

function deployed(look: Look): Step {
  const { execution } = look
  if (execution.change?.podsChange !== true) return goTo(look, unchanged(look), 'opening')
  const { switches } = strategyOf(execution)
  if (look.fleet.pin !== null && !switches) return act(execution, { kind: 'pin', to: null }, waits.pin)
  const isThere = execution.takesOver || execution.change.template === 'to'
  return goTo(look, isThere ? joined(look, switches) : execution, switches ? 'pinning' : 'moving')
}

/** What an execution before, or an upgrade that failed, has moved to this version already counts as let go: it has to pass, and takes no batch. */
function joined({ execution, now }: Look, surge: boolean): Execution {
  const instances = mapChanged(execution.instances, (one): Instance => {
    const isThere = one.status === 'PENDING' && targetPod(one) !== null
    return isThere ? { ...one, status: 'UPGRADING', surge, startedAt: now } : one
  })
  return { ...execution, instances }
}

/** Where every instance is a release, each is given its upgrade in its turn. */
function movesEach({ capabilities, change }: Execution): boolean {
  return capabilities.hold === 'each' && change?.podsChange === true
}

/** Helm changed something else than pods: every instance runs what it should already. */
function unchanged({ execution, now }: Look): Execution {
  return { ...execution, instances: execution.instances.map((instance) => unchangedInstance(instance, now)) }
}
