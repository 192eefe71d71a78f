import type { Uuid } from '../../core/subject.ts'
import type { Execution } from '../core/model.ts'
import { loadExecution } from '../store/executions.ts'
import { command } from './commands.ts'
import type { CommandCall } from './context.ts'
import { type WaitDeps, waitForEnd } from './wait-for-end.ts'

/** How long it is waited for. Instances in flight may take longer than a caller waits: then it is answered as it is. */
const mostMs = 60_000

/**
 * Resumes an execution; answers it as it then is. Where the failures that were counted in PAUSED end it, nothing goes on: it is
 * answered once it is FAILED, with its fleet as it was left (SPEC section 5), or as it is where the caller or the server goes
 * first. Throws `Problem` as `command` does.
 */
export async function resume(
  deps: WaitDeps,
  { signal, ...call }: CommandCall & { readonly signal: AbortSignal },
  id: Uuid,
): Promise<Execution> {
  const after = await command(deps, call, id, { kind: 'resume' })
  if (after.ending === null) return after
  const ended = await waitForEnd(deps, id, { mostMs, signal })
  return ended ?? (await loadExecution(deps.db, id)) ?? after
}
