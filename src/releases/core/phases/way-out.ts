import type { ActFailure } from '../../../core/decision.ts'
import type { Operation } from '../model.ts'

/** What is known of hooks where an operation has failed. */
export type Hooks = {
  /** The hook that its act has left unended, in words. */
  readonly left: string | null
  /** It failed at helm's work, and not before or after it. */
  readonly atHelm: boolean
}

/**
 * Another uninstall, or another rollback, fails on the same hook: that it can be left out is told where it is needed (docs/adr/0053,
 * 0060). Helm waits for nothing else of either.
 */
export function withWayOut(failure: ActFailure, operation: Operation, hooks: Hooks): ActFailure {
  const wayOut = wayOutOf(operation)
  if (wayOut === null || operation.request.noHooks === true || !mayBeHook(failure, hooks)) return failure
  return { ...failure, detail: `${failure.detail}; where a hook hinders, ${wayOut} leaves hooks out` }
}

function mayBeHook({ code }: ActFailure, { left, atHelm }: Hooks): boolean {
  if (code === 'timed_out') return atHelm || left !== null
  return code === 'hook_failed' || (code === 'interrupted' && left !== null)
}

/** Of what the operation aims at: a rollback to a revision that Helm has pruned is one too, though helm upgrades for it. */
function wayOutOf({ kind, reverting }: Operation): string | null {
  if (reverting === null ? kind === 'rollback' : reverting.target !== null) return 'a rollback with "hooks": false'
  return reverting !== null || kind === 'uninstall' || kind === 'recover' ? 'DELETE with hooks=false' : null
}
