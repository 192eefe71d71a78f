import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { refusedRevision, refusedRollback } from '../core/command.ts'
import type { NewOperation, ReleaseState, RevisionSummary } from '../core/model.ts'
import { lastSuccessful } from '../core/revisions.ts'
import { openOperation } from '../core/situation.ts'
import type { ReleaseDeps } from '../deps.ts'
import { revisionContent } from '../store/queries.ts'
import { command } from './accepting.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { newOperation } from './new-operation.ts'
import { type OperationOptions, optionsOf } from './options.ts'

export type RollbackBody = OperationOptions & { readonly ifRevision?: number | undefined }
/** `cancelExecution`: an execution that holds the release is cancelled first (SPEC section 5). */
export type RollbackOptions = { readonly cancelExecution?: boolean | undefined }

/** Accepts a rollback to a revision. Answers the id of its operation. Throws `Problem` and changes nothing then. */
export async function rollback(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: RollbackBody & { readonly targetRevision: number },
  options: RollbackOptions = {},
): Promise<Uuid> {
  const state = await freed(deps, call, id, body, options, () => body.targetRevision)
  return goBack(deps, call, state, body, body.targetRevision)
}

/** Accepts a rollback to the newest revision before the current one that ended DEPLOYED; 409 where there is none. */
export async function rollbackToLastSuccessful(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: RollbackBody,
  options: RollbackOptions = {},
): Promise<Uuid> {
  const state = await freed(deps, call, id, body, options, (held) => lastSuccessful(held)?.revision ?? null)
  const target = lastSuccessful(state)
  // Without a target the table of statuses still answers first: a pending release says that it is pending.
  if (target !== null) return goBack(deps, call, state, body, target.revision)
  await refuseByStatus(deps, call, state)
  throw nothingBefore()
}

/**
 * The release, with its execution cancelled where that is asked for. What could not be rolled back afterwards either is
 * refused before: an execution is not ended for nothing.
 */
async function freed(
  deps: ReleaseDeps,
  { principal, stopping }: CommandCall,
  id: Uuid,
  { ifRevision }: RollbackBody,
  { cancelExecution }: RollbackOptions,
  targetOf: (state: ReleaseState) => number | null,
): Promise<ReleaseState> {
  const state = await visibleRelease(deps, principal, id)
  const { claim } = state.release
  if (cancelExecution !== true || claim === null) return state
  refuseInVain(state, targetOf(state), ifRevision)
  await deps.ports.executions.cancelNow(claim.executionId, principal, stopping)
  return visibleRelease(deps, principal, id)
}

/** While helm is making a revision it is not known which one will be the current one: then the execution ends first. */
function refuseInVain(state: ReleaseState, target: number | null, ifRevision: number | undefined): void {
  const open = openOperation(state)
  if (open !== null && open.phase.name !== 'held') return
  if (target === null) throw nothingBefore()
  const refused = refusedRollback(state, target) ?? refusedRevision(state, ifRevision)
  if (refused !== null) throw new Problem(refused.code, refused.detail)
}

const nothingBefore = () => new Problem('nothing_to_roll_back_to', 'no revision before the current one ended DEPLOYED')

/** Asks the machine for a rollback that cannot be accepted, for the refusal that its status gives. */
async function refuseByStatus(deps: ReleaseDeps, call: CommandCall, state: ReleaseState): Promise<void> {
  try {
    await goBack(deps, call, state, {}, 0)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'revision_not_found') throw error
  }
}

async function goBack(
  deps: ReleaseDeps,
  call: CommandCall,
  state: ReleaseState,
  body: RollbackBody,
  target: number,
): Promise<Uuid> {
  const { release } = state
  const asked: CommandCall = body.hooks === false ? { ...call, action: 'release.rollback-without-hooks' } : call
  const there = state.revisions.find((revision) => revision.revision === target) ?? null
  const content = there === null ? null : await revisionContent(deps.db, deps.vault, release.id, target)
  const values = (content?.values ?? {}) as JsonObject
  const operation = wanted(deps, asked, body, state, there, target, values)
  return command(deps, asked, release.id, {
    kind: 'rollback',
    operation,
    ifRevision: body.ifRevision ?? release.revision,
  })
}

function wanted(
  deps: ReleaseDeps,
  call: CommandCall,
  body: RollbackBody,
  { release }: ReleaseState,
  there: RevisionSummary | null,
  targetRevision: number,
  values: JsonObject,
): NewOperation {
  return newOperation(deps, call, {
    ...optionsOf(body),
    atomic: false,
    chartDigest: there?.chartDigest ?? null,
    chartVersion: there?.chartVersion ?? release.chartVersion,
    appVersion: there?.appVersion ?? null,
    values,
    targetRevision,
    hasHooks: false,
  })
}
