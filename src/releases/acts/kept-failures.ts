import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { ActFailed } from '../../infra/engine/index.ts'
import type { ActContext, Acts } from '../../infra/engine/types.ts'
import { maskedSaying } from '../../infra/secrets/mask.ts'
import type { Operation, ReleaseAct, ReleaseState } from '../core/model.ts'
import { maskOfState, shownFailure } from '../machine-shown.ts'
import type { ActDeps, ActSubject, ReleaseActContext, ReleaseActs } from './context.ts'
import { watchHooks } from './hooks.ts'
import { tellAwaited } from './tell-awaited.ts'

export type KeepingDeps = ActDeps & {
  readonly load: (releaseId: Uuid) => Promise<ReleaseState | null>
  /** Tells beside an operation that runs why it takes so long. */
  readonly tellAwaited: (lease: ActContext['lease'], operationId: Uuid, detail: string | null) => Promise<void>
  readonly seal: (operationId: Uuid, evidence: Json) => Json
}

/**
 * Acts that are told what they belong to, that tell which hook helm waits for, and whose failures are explained by what their
 * hooks left, masked, and sealed before anything of them is kept.
 */
export function keepingFailures(deps: KeepingDeps, acts: ReleaseActs): Acts<ReleaseAct> {
  const keeping =
    <A extends ReleaseAct>(act: (planned: A, context: ReleaseActContext) => Promise<void>) =>
    (planned: A, context: ActContext): Promise<void> =>
      keepFailure(deps, planned, context, (told) => act(planned, told))
  return {
    install: keeping(acts.install),
    upgrade: keeping(acts.upgrade),
    rollback: keeping(acts.rollback),
    uninstall: keeping(acts.uninstall),
    settle: keeping(acts.settle),
    supersede: keeping(acts.supersede),
    halt: keeping(acts.halt),
    restore: keeping(acts.restore),
    repin: keeping(acts.repin),
    removeStuckPods: keeping(acts.removeStuckPods),
  }
}

async function keepFailure(
  deps: KeepingDeps,
  { kind, operationId }: ReleaseAct,
  context: ActContext,
  carryOut: (context: ReleaseActContext) => Promise<void>,
): Promise<void> {
  const state = await deps.load(context.lease.subject.id)
  if (state?.operation?.id !== operationId) throw new Error(`operation ${operationId} is not the newest of its release`)
  const subject = subjectOf(state, state.operation)
  const hooks = await watchHooks({ clusters: deps.ports.clusters, clock: deps.clock }, state.release, kind)
  const telling = tellAwaited({
    clock: deps.clock,
    read: hooks.awaited,
    tell: async (hook) => deps.tellAwaited(context.lease, operationId, await awaitedText(deps, state, hook)),
  })
  try {
    await carryOut({ ...context, subject, beforeDelete: hooks.beforeDelete })
  } catch (error) {
    if (!(error instanceof ActFailed)) throw error
    const mask = await maskOfState(deps.ports.charts, state)
    throw sealed(deps, operationId, await hooks.explain(shownFailure(error, mask), context, mask))
  } finally {
    await telling.end()
  }
}

/** A chart may put anything into the name of a hook, and a cluster into what keeps its pod. */
async function awaitedText({ ports }: KeepingDeps, state: ReleaseState, hook: string | null): Promise<string | null> {
  if (hook === null) return null
  const mask = await maskOfState(ports.charts, state)
  return maskedSaying(`helm waits for the hook ${hook}`, mask)
}

function subjectOf({ release, revisions }: ReleaseState, operation: Operation): ActSubject {
  return { release, operation, charts: [...new Set(revisions.flatMap(({ chartDigest }) => chartDigest ?? []))] }
}

function sealed({ seal }: KeepingDeps, operationId: Uuid, error: ActFailed): ActFailed {
  if (error.failure.evidence === undefined) return error
  return new ActFailed(error.result, { ...error.failure, evidence: seal(operationId, error.failure.evidence) })
}
