import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Machine } from '../infra/engine/types.ts'
import type { Execution, ExecutionAct, ExecutionCommand, ExecutionObservation } from './core/model.ts'
import type { UpgradePorts } from './ports.ts'

export type ExecutionMachine = Machine<Execution, ExecutionCommand, ExecutionObservation, ExecutionAct>

/** What every command and query of executions works with. Made by `main.ts`. */
export type UpgradeDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly machine: ExecutionMachine
  readonly ports: UpgradePorts
}

/** What the machine of executions is made of. */
export type MachineDeps = Omit<UpgradeDeps, 'machine'>
