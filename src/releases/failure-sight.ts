import type { ActFailure } from '../core/decision.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { ErrorCode } from '../core/problems.ts'
import { endOfHook, hookEvents } from './acts/hook-names.ts'
import type { HelmRevision, Operation, Present, ReleaseState } from './core/model.ts'
import { openOperation } from './core/situation.ts'
import { clockSkewMs, evidenceView } from './evidence.ts'
import type { ObserveDeps } from './observe.ts'

type Deps = Pick<ObserveDeps, 'cluster' | 'openEvidence'>
type Sight = Pick<Present, 'evidence' | 'leftByHook'>

/** A failure whose evidence is to be read; `said`: what its act has told of it. */
type Failed = Deps & {
  readonly release: ReleaseState['release']
  readonly operation: Operation
  readonly failure: ActFailure
  readonly said: Json
  readonly newest: HelmRevision
}

/** Evidence is read while everything is still as it failed. That it cannot be read must not keep the failure open. */
export async function failureSight(state: ReleaseState, deps: Deps, newest: HelmRevision): Promise<Sight> {
  const operation = openOperation(state)
  if (operation?.phase.name !== 'failing') return { evidence: null, leftByHook: null }
  const { failure } = operation.phase
  const said = failure.evidence === undefined ? null : deps.openEvidence(operation.id, failure.evidence)
  const failed = { ...deps, release: state.release, operation, failure, said, newest }
  try {
    return (await hookSight(failed)) ?? { evidence: await workloadEvidence(failed), leftByHook: null }
  } catch {
    return { evidence: evidenceView(said, null), leftByHook: null }
  }
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
  const events = operation.kind === 'recover' ? undefined : hookEvents[operation.kind]
  return { evidence: evidenceView({ ...act, hooks: left.evidence }, null), leftByHook: endOfHook(hook, events) }
}

async function workloadEvidence({ cluster, release, operation, failure, said, newest }: Failed): Promise<Json> {
  if (operation.kind === 'uninstall') return evidenceView(said, null)
  const conflicts = failure.code === 'field_conflict' ? await cluster.conflicts(newest.manifest, release) : []
  const pods = await cluster.evidence(newest.manifest, release.namespace, since(operation))
  return evidenceView(said, { conflicts, pods })
}

const since = ({ startedAt, createdAt }: Operation): number => (startedAt ?? createdAt) - clockSkewMs
