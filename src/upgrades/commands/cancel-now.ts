import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { EndWaiter } from '../../infra/engine/index.ts'
import { type Execution, isTerminal } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'
import { command } from './commands.ts'

/** How long it is waited for. What holds an execution up longer is said, and the caller may ask again. */
const mostMs = 120_000

/**
 * Cancels an execution at once and resolves when it has ended and holds no release any more; one that has ended already is
 * fine. Throws `Problem` where it cannot be cancelled, or does not end in time.
 */
export async function cancelNow(
  deps: UpgradeDeps & { readonly ends: EndWaiter },
  executionId: Uuid,
  by: Principal,
): Promise<void> {
  const execution = await loadExecution(deps.db, executionId)
  if (execution === null || isTerminal(execution.status)) return
  await ask(deps, execution, by)
  const ended = await deps.ends.waitForEnd(executionId, () => endOf(deps, executionId), AbortSignal.timeout(mostMs))
  if (ended !== null) return
  const detail = `the upgrade execution ${executionId} is being cancelled and has not ended yet`
  throw new Problem('claimed_by_execution', detail, { extra: { executionId } })
}

/** One that ends by itself meanwhile needs no command any more. */
async function ask(deps: UpgradeDeps, { id }: Execution, principal: Principal): Promise<void> {
  const call = { principal, reason: 'a release of it is rolled back', onDone: async () => {} }
  try {
    await command(deps, call, id, { kind: 'cancel', immediate: true })
  } catch (error) {
    if (!(error instanceof Problem) || (await endOf(deps, id)) === null) throw error
  }
}

async function endOf({ db }: UpgradeDeps, id: Uuid): Promise<number | null> {
  return (await loadExecution(db, id))?.endedAt ?? null
}
