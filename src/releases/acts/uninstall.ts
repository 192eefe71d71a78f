import type { ReleaseAct } from '../core/model.ts'
import { type ActDeps, type ReleaseActContext, secondsLeft, targetOf } from './context.ts'
import { withHelm } from './failure.ts'

/** `helm uninstall`. That the objects are gone is observed afterwards. */
export function uninstall(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'uninstall' }>, context: ReleaseActContext): Promise<void> => {
    const { subject } = context
    const { release, operation } = subject
    const timeoutSeconds = secondsLeft(deps.clock, context.attempt.deadline)
    const spec = { ...(await targetOf(deps, subject, null)), timeoutSeconds, hooks: operation.request.noHooks !== true }
    await withHelm(deps.ports, release, context, act, (run) => deps.ports.helm.uninstall(spec, run))
  }
}
