import type { Uuid } from '../../core/subject.ts'
import type { EndWaiter } from '../../infra/engine/index.ts'
import { type Execution, isTerminal } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'
import { command } from './commands.ts'
import type { CommandCall } from './context.ts'

/** How long it is waited for. Instances in flight may take longer than a caller waits: then it is answered as it is. */
const mostMs = 60_000

/**
 * Resumes an execution; answers it as it then is. Where the failures that were counted in PAUSED end it, nothing goes on: it is
 * answered once it is FAILED, with its fleet as it was left (SPEC section 5). Throws `Problem` as `command` does.
 */
export async function resume(
  deps: UpgradeDeps & { readonly ends: EndWaiter },
  call: CommandCall,
  id: Uuid,
): Promise<Execution> {
  // An answer is kept once: that of an execution which ends is the one at its end.
  const onDone: CommandCall['onDone'] = async (tx, after) => {
    if (after.ending === null) await call.onDone(tx, after)
  }
  const after = await command(deps, { ...call, onDone }, id, { kind: 'resume' })
  if (after.ending === null) return after
  const ended = await deps.ends.waitForEnd(id, () => endedOne(deps, id), AbortSignal.timeout(mostMs))
  return ended ?? (await loadExecution(deps.db, id)) ?? after
}

async function endedOne({ db }: UpgradeDeps, id: Uuid): Promise<Execution | null> {
  const execution = await loadExecution(db, id)
  return execution !== null && isTerminal(execution.status) ? execution : null
}
