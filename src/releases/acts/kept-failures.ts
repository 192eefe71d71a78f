import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { ActFailed } from '../../infra/engine/index.ts'
import type { ActContext, Acts } from '../../infra/engine/types.ts'
import type { RunContext } from '../../infra/helm/index.ts'
import type { ReleaseAct, ReleaseState } from '../core/model.ts'
import { maskOfState, shownFailure } from '../machine-shown.ts'
import type { ActDeps } from './context.ts'
import { watchHooks } from './hooks.ts'

export type KeepingDeps = Pick<ActDeps, 'ports' | 'clock'> & {
  readonly load: (releaseId: Uuid) => Promise<ReleaseState | null>
  readonly seal: (operationId: Uuid, evidence: Json) => Json
}

/** Acts whose failures are explained by what their hooks left, masked, and sealed before anything of them is kept. */
export function keepingFailures(deps: KeepingDeps, acts: Acts<ReleaseAct>): Acts<ReleaseAct> {
  const keeping =
    <A extends ReleaseAct>(act: (planned: A, context: ActContext) => Promise<void>) =>
    (planned: A, context: ActContext): Promise<void> =>
      keepFailure(deps, planned, context, (watched) => act(planned, watched))
  return {
    install: keeping(acts.install),
    upgrade: keeping(acts.upgrade),
    rollback: keeping(acts.rollback),
    uninstall: keeping(acts.uninstall),
    settle: keeping(acts.settle),
    halt: keeping(acts.halt),
    restore: keeping(acts.restore),
    removeStuckPods: keeping(acts.removeStuckPods),
  }
}

async function keepFailure(
  deps: KeepingDeps,
  { kind, operationId }: ReleaseAct,
  context: ActContext,
  carryOut: (context: ActContext & Pick<RunContext, 'beforeDelete'>) => Promise<void>,
): Promise<void> {
  const state = await deps.load(context.lease.subject.id)
  if (state === null) return carryOut(context)
  const hooks = await watchHooks({ clusters: deps.ports.clusters, clock: deps.clock }, state.release, kind)
  try {
    await carryOut({ ...context, beforeDelete: hooks.beforeDelete })
  } catch (error) {
    const explained = await hooks.explain(error, context)
    const shown = await shownFailure(explained, () => maskOfState(deps.ports.charts, state))
    throw sealed(deps, operationId, shown)
  }
}

function sealed({ seal }: KeepingDeps, operationId: Uuid, error: unknown): unknown {
  if (!(error instanceof ActFailed) || error.failure.evidence === undefined) return error
  return new ActFailed(error.result, { ...error.failure, evidence: seal(operationId, error.failure.evidence) })
}
