import type { ReleaseAct } from '../core/model.ts'
import { type ActDeps, type ReleaseActContext, secondsLeft, targetOf } from './context.ts'
import { deploySpec } from './deploy.ts'
import { withHelm } from './failure.ts'

/** `helm install`; with `replace` over a settled first revision, which runs the install hooks again. */
export function install(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'install' }>, context: ReleaseActContext): Promise<void> => {
    const { subject } = context
    const { release, operation } = subject
    await deps.ports.clusters.of(release.clusterId).ensureNamespace(release.namespace, release.tenantId)
    const spec = {
      ...(await targetOf(deps, subject, operation.request.chartDigest)),
      ...(await deploySpec(deps, operation, context)),
      timeoutSeconds: secondsLeft(deps.clock, context.attempt.deadline),
      replace: act.replace,
    }
    await withHelm(deps.ports, release, context, act, (run) => deps.ports.helm.install(spec, run))
  }
}
