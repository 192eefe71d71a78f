import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { maySee, noSuchTenant } from '../../tenants/index.ts'
import type { Execution } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'
import { tenantOfExecution } from '../store/queries.ts'

/** What a caller of a command brings with it. `onDone` runs in the command's transaction, with what it made. */
export type CommandCall = {
  readonly principal: Principal
  readonly reason: string | null
  readonly onDone: (tx: Tx, execution: Execution) => Promise<void>
}

/** The execution, if the caller may see it. Throws `Problem` not_found otherwise: another tenant's id looks unknown. */
export async function visibleExecution(
  { db }: Pick<UpgradeDeps, 'db'>,
  principal: Principal,
  id: Uuid,
): Promise<Execution> {
  const execution = await loadExecution(db, id)
  if (execution === null || !maySee(principal, execution.tenantId)) throw noSuchExecution(id)
  return execution
}

/** The same without reading the execution. */
export async function requireVisible({ db }: Pick<UpgradeDeps, 'db'>, principal: Principal, id: Uuid): Promise<void> {
  const tenantId = await tenantOfExecution(db, id)
  if (tenantId === null || !maySee(principal, tenantId)) throw noSuchExecution(id)
}

function noSuchExecution(id: Uuid): Problem {
  return new Problem('not_found', `There is no upgrade execution ${id}`)
}

/** Throws `Problem` not_found for a tenant that does not exist or that the caller cannot see. */
export async function requireTenant(
  { db, ports }: Pick<UpgradeDeps, 'db' | 'ports'>,
  principal: Principal,
  tenantId: Uuid,
): Promise<void> {
  if (!maySee(principal, tenantId) || !(await ports.tenants.exists(db, tenantId))) throw noSuchTenant(tenantId)
}
