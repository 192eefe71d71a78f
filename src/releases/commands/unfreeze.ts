import { isJsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Frozen, ReleaseState } from '../core/model.ts'
import { lastSuccessful } from '../core/revisions.ts'
import { shownStatus } from '../core/shown.ts'
import type { ReleaseDeps } from '../deps.ts'
import { abandonedRevision, revisionContent } from '../store/queries.ts'
import { command } from './accepting.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { newOperation } from './new-operation.ts'
import { type OperationOptions, optionsOf } from './options.ts'
import { rollback } from './rollback.ts'

export type UnfreezeBody = Pick<OperationOptions, 'timeout'>

/**
 * Ends the freeze of a release (SPEC section 5, "Freeze"): on to the version that its execution gave up on, or back to
 * the newest revision before that ended DEPLOYED. What was scaled meanwhile keeps its size (docs/adr/0030). Answers the id
 * of the operation, which ends when all is ready. Throws `Problem` not_frozen, nothing_to_roll_back_to, and what the table
 * of statuses says.
 */
export async function unfreeze(
  deps: ReleaseDeps,
  given: CommandCall,
  id: Uuid,
  to: 'target' | 'previous',
  body: UnfreezeBody,
): Promise<Uuid> {
  const call: CommandCall = { ...given, action: 'release.unfreeze' }
  const state = await visibleRelease(deps, call.principal, id)
  const { frozen } = state.release
  if (frozen === null) {
    const extra = { releaseStatus: shownStatus(state.release) }
    throw new Problem('not_frozen', `release ${id} is not frozen`, { extra })
  }
  const described = { ...body, description: `unfreeze to ${to}`, keepsScale: true }
  if (to === 'target') return goOn(deps, call, state, frozen, described)
  const previous = lastSuccessful(state)
  if (previous === null) throw new Problem('nothing_to_roll_back_to', 'no earlier revision ended DEPLOYED')
  return rollback(deps, call, id, { ...described, targetRevision: previous.revision })
}

/** The very bytes and values of the abandoned revision: it passed all checks when the execution began. */
async function goOn(
  deps: ReleaseDeps,
  call: CommandCall,
  { release }: ReleaseState,
  frozen: Frozen,
  options: OperationOptions,
): Promise<Uuid> {
  const revision = await abandonedRevision(deps.db, release.id, frozen.executionId)
  const there = revision === null ? null : await revisionContent(deps.db, deps.vault, release.id, revision)
  if (there === null || there.chartDigest === null) {
    throw new Problem('revision_not_found', 'the revision that the execution gave up on is not known')
  }
  const { hasHooks } = await deps.ports.charts.kept(there.chartDigest)
  const operation = newOperation(deps, call, {
    ...optionsOf(options),
    chartDigest: there.chartDigest,
    chartVersion: there.chartVersion,
    appVersion: there.appVersion,
    values: isJsonObject(there.values) ? there.values : {},
    targetRevision: null,
    hasHooks,
  })
  return command(deps, call, release.id, { kind: 'upgrade', operation, ifRevision: release.revision })
}
