import type { Uuid } from '../../core/subject.ts'
import type { EndWaiter } from '../../infra/engine/index.ts'
import { type Execution, isTerminal } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'

/** What waiting for the end of executions needs. */
export type WaitDeps = UpgradeDeps & { readonly ends: EndWaiter }

/** How long it is waited: so many milliseconds, and no longer than until `signal` is aborted, as where the server stops. */
export type Patience = { readonly mostMs: number; readonly signal: AbortSignal | undefined }

/** The execution at its end; null where the patience was over first. */
export function waitForEnd(deps: WaitDeps, id: Uuid, { mostMs, signal }: Patience): Promise<Execution | null> {
  const signals = [signal ?? [], AbortSignal.timeout(mostMs)].flat()
  return deps.ends.waitForEnd(id, () => endedOne(deps, id), AbortSignal.any(signals))
}

/** The execution where it has ended; else null. */
export async function endedOne({ db }: Pick<UpgradeDeps, 'db'>, id: Uuid): Promise<Execution | null> {
  const execution = await loadExecution(db, id)
  return execution !== null && isTerminal(execution.status) ? execution : null
}
