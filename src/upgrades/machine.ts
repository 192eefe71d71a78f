import type { Tx } from '../infra/database/types.ts'
import { announceEnd, type Change } from '../infra/engine/index.ts'
import { executionActs } from './acts.ts'
import { moveClaims, movesClaims } from './claims.ts'
import { decideExecution } from './core/decide.ts'
import { type Execution, isTerminal } from './core/model.ts'
import type { ExecutionMachine, MachineDeps } from './deps.ts'
import { observeExecution } from './observe.ts'
import {
  dropsPlaces,
  executionReader,
  loadExecution,
  recordExecution,
  saveExecution,
  savingExecutions,
} from './store/executions.ts'
import { GateStore } from './store/gates.ts'

/** The machine of upgrade executions: the pure decision with its acts, its storage and its eyes. */
export function executionMachine(deps: MachineDeps): ExecutionMachine {
  const read = executionReader(deps.db)
  return {
    kind: 'execution',
    share: ({ tenantId }) => tenantId,
    decide: decideExecution,
    acts: executionActs(deps),
    load: (db, id, how) => (db === deps.db && how?.lock !== true ? read(id) : loadExecution(db, id, how)),
    save: (tx, change) => save(deps, tx, change),
    saving: { covers: isPlain, statement: savingExecutions },
    observe: (execution) => observeExecution(deps, execution),
    mustAbort: () => false,
  }
}

/** Most changes are of the execution and its instances alone. */
function isPlain(before: Execution, after: Execution): boolean {
  return !isTerminal(after.status) && !movesClaims(before, after) && !dropsPlaces(before, after)
}

const gates = new GateStore()

/** The claims on the releases are moved in the same transaction: an execution holds them exactly when it says so. */
async function save(deps: MachineDeps, tx: Tx, { before, after, events }: Change<Execution>): Promise<void> {
  await recordExecution(tx, after, events, deps.clock.now())
  if (after === before) return
  await saveExecution(tx, before, after)
  await moveClaims(tx, deps.ports.releases.orders, { before, after }, deps.clock.now())
  if (!isTerminal(after.status) || isTerminal(before.status)) return
  await gates.dropOff(tx, after.id)
  await announceEnd(tx, after.id)
}
