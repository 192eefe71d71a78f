import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { type Execution, isTerminal } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'
import { command } from './commands.ts'
import { endedOne, type WaitDeps, waitForEnd } from './wait-for-end.ts'

/** How long it is waited for. What holds an execution up longer is said, and the caller may ask again. */
const mostMs = 120_000

/**
 * Cancels an execution at once and resolves when it has ended and holds no release any more; one that has ended already is
 * fine. Throws `Problem` where it cannot be cancelled, does not end in time, or `signal` is aborted first.
 */
export async function cancelNow(
  deps: WaitDeps,
  executionId: Uuid,
  { by, signal }: { readonly by: Principal; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const execution = await loadExecution(deps.db, executionId)
  if (execution === null || isTerminal(execution.status)) return
  await ask(deps, execution, by)
  if ((await waitForEnd(deps, executionId, { mostMs, signal })) !== null) return
  const detail = `the upgrade execution ${executionId} is being cancelled and has not ended yet`
  // A server that stops says nothing final: under the same key it is asked again.
  throw new Problem(signal?.aborted ? 'unavailable' : 'claimed_by_execution', detail, { extra: { executionId } })
}

/** One that ends by itself meanwhile needs no command any more. */
async function ask(deps: UpgradeDeps, { id }: Execution, principal: Principal): Promise<void> {
  const call = { principal, reason: 'a release of it is rolled back', onDone: async () => {} }
  try {
    await command(deps, call, id, { kind: 'cancel', immediate: true })
  } catch (error) {
    if (!(error instanceof Problem) || (await endedOne(deps, id)) === null) throw error
  }
}
