import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { executeIn } from '../../infra/engine/index.ts'
import { recordAudit } from '../../tenants/index.ts'
import type { ClaimedRelease, CommandKind, Execution, ExecutionCommand } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { type CommandCall, visibleExecution } from './context.ts'
import { isHalfWay } from './half-way.ts'
import { seenOf } from './new-execution.ts'
import { isFrozen, requireReleases } from './require-releases.ts'

export type CommandOrder =
  | { readonly kind: Exclude<CommandKind, 'cancel'> }
  | { readonly kind: 'cancel'; readonly immediate: boolean }

/**
 * Gives a command to an execution; answers it as it then is. Throws `Problem` and changes nothing where it is refused:
 * 404 for one that the caller does not see, 409 for a status in which the command is not valid.
 */
export async function command(deps: UpgradeDeps, call: CommandCall, id: Uuid, order: CommandOrder): Promise<Execution> {
  const seen = await visibleExecution(deps, call.principal, id)
  return transaction(deps.db, async (tx) => {
    const given = await commandOf(tx, deps, call, seen, order)
    const after = await executeIn(tx, deps.machine, id, { command: given, now: deps.clock.now() })
    await audit(tx, deps, call, after, order.kind)
    await call.onDone(tx, after)
    return after
  })
}

async function commandOf(
  tx: Tx,
  deps: UpgradeDeps,
  { principal, reason }: CommandCall,
  seen: Execution,
  order: CommandOrder,
): Promise<ExecutionCommand> {
  const who = { by: principal.name, reason }
  if (order.kind !== 'start') return { ...order, ...who }
  return { ...order, ...who, ...(await claimsNow(tx, deps, seen)) }
}

/**
 * A start looks at releases and versions again (SPEC section 5): what is there then is what counts as untouched. One that
 * moves in between is refused by the claim, which holds the locks of the releases.
 */
async function claimsNow(tx: Tx, deps: UpgradeDeps, seen: Execution): Promise<Pick<Execution, 'claims' | 'takesOver'>> {
  if (seen.target.kind === 'rehearsal' || seen.status !== 'PENDING') {
    return { claims: seen.claims, takesOver: seen.takesOver }
  }
  const ids = seen.claims.map(({ releaseId }) => releaseId)
  const releases = await deps.ports.releases.byIds(tx, ids)
  const alsoOn = (await isHalfWay(tx, releases, seen)) ? seen.to.chartVersion : null
  requireReleases(releases, { version: seen.from.version, helmChartVersion: seen.from.chartVersion }, alsoOn)
  const claims = seen.claims.map((claim): ClaimedRelease => {
    const release = releases.find(({ id }) => id === claim.releaseId)
    if (release === undefined) throw new Problem('wrong_status', `the release ${claim.releaseId} is not there any more`)
    return { ...claim, ...seenOf(release) }
  })
  return { claims, takesOver: isFrozen(releases) }
}

function audit(tx: Tx, deps: UpgradeDeps, { principal, reason }: CommandCall, execution: Execution, kind: CommandKind) {
  const { id, tenantId } = execution
  const fact = { principal, action: `upgrade.${kind}`, subject: `execution/${id}`, tenantId }
  return recordAudit(tx, deps, { ...fact, reason: reason ?? undefined })
}
