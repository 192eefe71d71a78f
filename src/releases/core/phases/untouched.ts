import type { Release } from '../model.ts'
import type { Look } from './look.ts'

/** How often helm was begun before the operation failed; null where it was not helm that failed. */
export const triesBefore = ({ operation: { phase } }: Look): number | null =>
  phase.name === 'applying' ? phase.tries : null

/**
 * What a failed operation that has changed nothing makes of its release: what it was (docs/adr/0044). Null where it has
 * changed something, may have, or had nothing to leave as it was. What another hand did meanwhile is followed by the next look.
 */
export function asItWas(look: Look, tries: number | null): Partial<Release> | null {
  const { operation, seen, state } = look
  if (seen.kind === 'absent' || seen.newest.secretUid !== state.release.secretUid) return null
  if (operation.reverting !== null || !changedNothing(look, tries)) return null
  return operation.before
}

/**
 * helm writes the record of an upgrade or a rollback before anything else, so where none is of this operation nothing is. An
 * uninstall runs hooks before it writes its record: that nothing was changed is what the gateway has counted, of every try.
 */
function changedNothing({ operation, state, attempt }: Look, tries: number | null): boolean {
  if (operation.kind === 'uninstall')
    return tries === 1 && attempt?.act.kind === 'uninstall' && attempt.result === 'unchanged'
  const deploys = operation.kind === 'upgrade' || operation.kind === 'rollback'
  return deploys && !state.revisions.some(({ operationId }) => operationId === operation.id)
}
