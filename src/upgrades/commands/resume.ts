import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { Execution } from '../core/model.ts'
import { loadExecution } from '../store/executions.ts'
import { command } from './commands.ts'
import { type CommandCall, visibleExecution } from './context.ts'
import { type WaitDeps, waitForEnd } from './wait-for-end.ts'

/** How long it is waited for. Instances in flight may take longer than a caller waits: then it is answered as it is. */
const mostMs = 60_000

/**
 * Resumes an execution; answers it as it then is. Where the failures that were counted in PAUSED end it, nothing goes on: it is
 * answered as `endOfResumed` does, and where `ending` is still set that is no answer to keep. Throws `Problem` as `command` does.
 */
export async function resume(
  deps: WaitDeps,
  { signal, ...call }: CommandCall & { readonly signal: AbortSignal },
  id: Uuid,
): Promise<Execution> {
  const after = await command(deps, call, id, { kind: 'resume' })
  return after.ending === null ? after : whenEnded(deps, after, signal)
}

/**
 * An execution that a resume has ended, once it is FAILED, with its fleet as it was left (SPEC section 5), or as it is after a
 * minute. Throws `Problem` not_found for one that the caller does not see, and unavailable where the caller or the server goes first.
 */
export async function endOfResumed(
  deps: WaitDeps,
  { principal, signal }: { readonly principal: Principal; readonly signal: AbortSignal },
  id: Uuid,
): Promise<Execution> {
  return whenEnded(deps, await visibleExecution(deps, principal, id), signal)
}

async function whenEnded(deps: WaitDeps, execution: Execution, signal: AbortSignal): Promise<Execution> {
  const { id } = execution
  const ended = await waitForEnd(deps, id, { mostMs, signal })
  if (ended === null && signal.aborted) {
    // Nothing final is said: under the same key it is asked again.
    const detail = `the upgrade execution ${id} is resumed and has not ended yet: look at it again`
    throw new Problem('unavailable', detail, { extra: { executionId: id } })
  }
  return ended ?? (await loadExecution(deps.db, id)) ?? execution
}
