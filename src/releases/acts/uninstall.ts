import type { ErrorCode } from '../../core/problems.ts'
import { ActFailed } from '../../infra/engine/index.ts'
import { unlessAborted } from '../../infra/unless-aborted.ts'
import type { ReleaseAct } from '../core/model.ts'
import { type ActDeps, type ReleaseActContext, secondsLeft, targetOf } from './context.ts'
import { withHelm } from './failure.ts'
import { quietly } from './quietly.ts'
import { unremovable, whyFirst } from './unremovable.ts'

/** `helm uninstall`. That the objects are gone is observed afterwards. */
export function uninstall(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'uninstall' }>, context: ReleaseActContext): Promise<void> => {
    const { subject } = context
    const { release, operation } = subject
    const timeoutSeconds = secondsLeft(deps.clock, context.attempt.deadline)
    const spec = { ...(await targetOf(deps, subject, null)), timeoutSeconds, hooks: operation.request.noHooks !== true }
    try {
      await withHelm(deps.ports, release, context, act, (run) => deps.ports.helm.uninstall(spec, run))
    } catch (error) {
      throw await explained(deps, context, error)
    }
  }
}

/** A cluster that does not know a kind may also say that the tenant has no right to it. */
const maySayMore: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['helm_failed', 'not_permitted'])

/** Helm keeps to itself why it could not delete: what makes it fail every time is looked for, as long as the act may take. */
async function explained({ ports }: ActDeps, { subject: { release }, signal }: ReleaseActContext, error: unknown) {
  if (!(error instanceof ActFailed) || !maySayMore.has(error.failure.code)) return error
  const cluster = ports.clusters.of(release.clusterId)
  const why = await quietly(() => unlessAborted(unremovable(cluster, release, signal), signal))
  return why === null ? error : new ActFailed(error.result, whyFirst(error.failure, why))
}
