import type { JsonObject } from '../../core/json.ts'
import { type ErrorCode, problemCatalogue } from '../../core/problems.ts'
import { type ActAborted, ActFailed, whyAborted } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import { type ExpectedRecords, HelmFailure, type RunContext } from '../../infra/helm/index.ts'
import type { Release, ReleaseAct } from '../core/model.ts'
import { baselineOfAttempt } from '../core/ownership.ts'
import type { ReleasePorts } from '../ports.ts'
import { type Said, unlessGoing } from './going.ts'

/** Runs helm within the attempt's deadline, and says of a failure whether anything was changed, as the gateway counted it. */
export async function withHelm(
  { clusters }: Pick<ReleasePorts, 'clusters'>,
  release: Release,
  context: ActContext & Pick<RunContext, 'beforeDelete'>,
  act: HelmAct,
  run: (context: RunContext) => Promise<void>,
): Promise<void> {
  try {
    await run({ ...context, deadline: context.attempt.deadline, records: expectedRecords(act, context) })
  } catch (error) {
    if (!(error instanceof HelmFailure)) throw error
    const cluster = clusters.of(release.clusterId)
    if (error.code === 'not_permitted') cluster.doubtTenant(release.namespace)
    throw actFailed(error, await unlessGoing(cluster, release, error), whyAborted(context.signal))
  }
}

type HelmAct = Extract<ReleaseAct, { kind: 'install' | 'upgrade' | 'rollback' | 'uninstall' }>

const makes = { install: 'labelled', upgrade: 'labelled', rollback: 'unlabelled', uninstall: 'nothing' } as const

/** What was there when the act was decided, and what it makes: whatever else appears is another hand's. */
function expectedRecords({ kind, operationId }: HelmAct, { attempt }: ActContext): ExpectedRecords {
  return { before: baselineOfAttempt(attempt), makes: makes[kind], operationId }
}

/** What helm says while it is being ended is about the ending: the reason for that is the failure. */
function actFailed(error: HelmFailure, { code, detail }: Said, why: ActAborted['why'] | null): ActFailed {
  const evidence = evidenceOf(error)
  if (why === 'shutdown' || why === 'lease-lost') {
    return new ActFailed('interrupted', {
      code: 'interrupted',
      detail: 'the worker stopped during the operation',
      evidence,
      workerStopped: true,
    })
  }
  // Helm's own crash is one like any other: what it left is looked at, settled and tried again.
  if (error.code === 'interrupted')
    return new ActFailed('interrupted', { code: error.code, detail: error.detail, evidence })
  const result = error.changed ? 'changed-and-failed' : 'unchanged'
  if (why === 'cancelled')
    return new ActFailed(result, { code: 'cancelled', detail: 'the operation was cancelled', evidence })
  if (why === 'deadline')
    return new ActFailed(result, { code: 'timed_out', detail: 'helm did not end in time', evidence })
  return new ActFailed(result, { code: carriedOut(code), detail, evidence })
}

/** What is told of a failed run: `refused` only where helm has kept to itself what the cluster refused. */
function evidenceOf({ stderrTail, conflicts, refused }: HelmFailure): JsonObject {
  const told = { helm: stderrTail, conflicts: conflicts.map((conflict) => ({ ...conflict })) }
  return refused.length === 0 ? told : { ...told, refused: refused.map((one) => ({ ...one })) }
}

/** An operation that was carried out and failed is a 422 (SPEC section 3, "Outcomes"), whatever stood in its way. */
function carriedOut(code: ErrorCode): ErrorCode {
  if (code === 'cluster_unavailable') return 'cluster_lost'
  return problemCatalogue[code].status === 422 ? code : 'helm_failed'
}
