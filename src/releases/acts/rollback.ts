import type { ReleaseAct } from '../core/model.ts'
import { type ActDeps, keptBeneath, type ReleaseActContext, secondsLeft, targetOf } from './context.ts'
import { withHelm } from './failure.ts'

/** `helm rollback` to a revision that Helm still stores. */
export function rollback(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'rollback' }>, context: ReleaseActContext): Promise<void> => {
    const { subject } = context
    const { release, operation } = subject
    const timeoutSeconds = secondsLeft(deps.clock, context.attempt.deadline)
    const keeps = await keptBeneath(deps, subject, context.lease)
    const hooks = operation.request.noHooks !== true
    const spec = { ...(await targetOf(deps, subject, null)), keeps, revision: act.target, timeoutSeconds, hooks }
    await withHelm(deps.ports, release, context, act, (run) => deps.ports.helm.rollback(spec, run))
  }
}
