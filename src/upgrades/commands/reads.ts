import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { Execution } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { loadExecution } from '../store/executions.ts'
import { activeExecution, type Statistics, statisticsOf } from '../store/queries.ts'
import { requireTenant } from './context.ts'

/** The active execution of a tenant's component. Throws `Problem` not_found, no_active_execution. */
export async function readActive(
  deps: UpgradeDeps,
  principal: Principal,
  of: { readonly tenantId: Uuid; readonly componentId: Uuid; readonly rehearsal: boolean },
): Promise<Execution> {
  await requireTenant(deps, principal, of.tenantId)
  await requireComponent(deps, of.componentId)
  const active = await activeExecution(deps.db, of)
  const execution = active === null ? null : await loadExecution(deps.db, active.id)
  if (execution === null) throw new Problem('no_active_execution', 'no upgrade execution of the component is active')
  return execution
}

/** Statistics of a component, over the tenants that the caller may see. Throws `Problem` not_found. */
export async function readStatistics(deps: UpgradeDeps, principal: Principal, componentId: Uuid): Promise<Statistics> {
  await requireComponent(deps, componentId)
  return statisticsOf(deps.db, componentId, principal.tenants)
}

async function requireComponent({ db, ports }: UpgradeDeps, id: Uuid): Promise<void> {
  if ((await ports.registry.component(db, id)) === null) throw new Problem('not_found', `There is no component ${id}`)
}
