import type { ActFailure } from '../core/decision.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { ErrorCode } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import { endOfHook, hookEvents } from './acts/hook-names.ts'
import type { HelmRevision, HelmStatus, Operation, Present, ReleaseAct, ReleaseState } from './core/model.ts'
import { openOperation } from './core/situation.ts'
import { clockSkewMs, evidenceView } from './evidence.ts'
import type { ReleaseCluster } from './ports.ts'

export type FailureDeps = {
  readonly cluster: ReleaseCluster
  /** Evidence of an act as it was before it was sealed. */
  readonly openEvidence: (operationId: Uuid, evidence: Json) => Json
}
type Sight = Pick<Present, 'evidence' | 'leftByHook'>

/** A failure whose evidence is to be read; `said`: what its act has told of it. */
type Failed = FailureDeps & {
  readonly release: ReleaseState['release']
  readonly operation: Operation
  readonly failure: ActFailure
  readonly said: Json
  readonly newest: HelmRevision
}

/** Evidence is read while everything is still as it failed. That it cannot be read must not keep the failure open. */
export async function failureSight(state: ReleaseState, deps: FailureDeps, newest: HelmRevision): Promise<Sight> {
  const operation = openOperation(state)
  if (operation?.phase.name !== 'failing') return { evidence: null, leftByHook: null }
  const { failure } = operation.phase
  const said = failure.evidence === undefined ? null : deps.openEvidence(operation.id, failure.evidence)
  const failed = { ...deps, release: state.release, operation, failure, said, newest }
  const ofHook = await hookSight(failed).catch(() => null)
  if (ofHook !== null) return ofHook
  const evidence = await workloadEvidence(failed).catch(() => evidenceView(said, null))
  return { evidence, leftByHook: null }
}

/** What a hook may be the reason for though the act could not say so: it was ended, or lost with its worker. */
const cutOff: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['interrupted', 'timed_out', 'cancelled'])

/** What hooks left of an act that has not told it itself; null where there are none. */
async function hookSight({ cluster, release, operation, failure, said, newest }: Failed): Promise<Sight | null> {
  const act = isJsonObject(said) ? said : {}
  const isTold = act.hooks !== undefined || operation.reverting !== null
  if (!cutOff.has(failure.code) || isTold || newest.hooks === '') return null
  const left = await cluster.hookEvidence(newest.hooks, release.namespace, since(operation))
  const [hook] = left?.hooks ?? []
  if (left === null || hook === undefined) return null
  const leftByHook = endOfHook(hook, hookEvents[actOf(operation, newest)])
  return { evidence: evidenceView({ ...act, hooks: left.evidence }, null), leftByHook }
}

/** Helm calls a revision so while it is at it. */
const atWork: Partial<Record<HelmStatus, ReleaseAct['kind']>> = {
  'pending-install': 'install',
  'pending-upgrade': 'upgrade',
  'pending-rollback': 'rollback',
  uninstalling: 'uninstall',
}

/**
 * What helm was to do for the operation. A rollback to a revision that Helm has pruned upgrades, and has our label then: helm
 * copies those of its target for a rollback of its own.
 */
function actOf({ id, kind }: Operation, { status, operationId }: HelmRevision): ReleaseAct['kind'] {
  const told = atWork[status]
  if (told !== undefined) return told
  if (kind === 'recover') return 'uninstall'
  return kind === 'rollback' && operationId === id ? 'upgrade' : kind
}

async function workloadEvidence({ cluster, release, operation, failure, said, newest }: Failed): Promise<Json> {
  if (operation.kind === 'uninstall') return evidenceView(said, null)
  const conflicts = failure.code === 'field_conflict' ? await cluster.conflicts(newest.manifest, release) : []
  const pods = await cluster.evidence(newest.manifest, release.namespace, since(operation))
  return evidenceView(said, { conflicts, pods })
}

const since = ({ startedAt, createdAt }: Operation): number => (startedAt ?? createdAt) - clockSkewMs
