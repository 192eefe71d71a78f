import type { Operation, ReleaseAct } from '../core/model.ts'
import { type ActDeps, keptBeneath, type ReleaseActContext, secondsLeft, targetOf } from './context.ts'
import { deploySpec } from './deploy.ts'
import { withHelm } from './failure.ts'

/** `helm upgrade`. A rollback to a pruned revision is one too: it forces, as every rollback does (SPEC section 3). */
export function upgrade(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'upgrade' }>, context: ReleaseActContext): Promise<void> => {
    const { subject } = context
    const { release, operation } = subject
    const spec = {
      ...(await targetOf(deps, subject, operation.request.chartDigest)),
      ...(await deploySpec(deps, describedAsRollback(operation), context)),
      keeps: await keptBeneath(deps, subject, context.lease),
      timeoutSeconds: secondsLeft(deps.clock, context.attempt.deadline),
      forceConflicts: operation.request.forceConflicts || operation.kind === 'rollback',
      hooks: operation.request.noHooks !== true,
    }
    await withHelm(deps.ports, release, context, act, (run) => deps.ports.helm.upgrade(spec, run))
  }
}

/** Helm's own words for a rollback: to helm the one to a pruned revision is an upgrade. */
function describedAsRollback(operation: Operation): Operation {
  const { targetRevision, description } = operation.request
  if (operation.kind !== 'rollback' || description !== null || targetRevision === null) return operation
  return { ...operation, request: { ...operation.request, description: `Rollback to ${targetRevision}` } }
}
