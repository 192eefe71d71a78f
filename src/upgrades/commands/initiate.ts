import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { wake } from '../../infra/engine/index.ts'
import { recordAudit } from '../../tenants/index.ts'
import { downtimeWithout, needsRoom, noSurgeWarnings } from '../core/downtime.ts'
import { createdEvent } from '../core/events.ts'
import type { CheckOverride, Execution, UpgradeSpec, Warning } from '../core/model.ts'
import type { World } from '../core/rehearsal/world.ts'
import type { UpgradeDeps } from '../deps.ts'
import { fleetOfWorld, type NewRehearsal, newRehearsal } from '../drivers/rehearsal.ts'
import type { Foreseen } from '../drivers/workloads.ts'
import { insertExecution, recordExecution } from '../store/executions.ts'
import { type ActiveExecution, activeExecution } from '../store/queries.ts'
import { writeWorld } from '../store/rehearsals.ts'
import { type CommandCall, requireTenant } from './context.ts'
import { countFleet, rehearsalSize } from './count-fleet.ts'
import { type Between, isHalfWay } from './half-way.ts'
import { type Ends, endsOf, judgePath, type PathRequest, requirePath } from './judge-path.ts'
import { newExecution, type Parts, versionRef } from './new-execution.ts'
import { requireReleases, runsFrozen } from './require-releases.ts'
import { type Resolved, resolveTarget, type TargetRequest } from './resolve-target.ts'

/** `seeds/004`, "UpgradeRequest Structure", with its defaults filled in. */
export type InitiateRequest = UpgradeSpec & {
  readonly componentId: Uuid
  readonly fromVersionId: Uuid
  readonly toVersionId: Uuid
  readonly totalInstances?: number | undefined
  readonly initiatedBy?: string | undefined
  readonly installedComponents?: Readonly<Record<string, string>> | undefined
  readonly target?: TargetRequest | undefined
  readonly overrideChecks?: readonly CheckOverride[] | undefined
}

/**
 * Makes an execution, PENDING (SPEC section 5, "What is upgraded"). Throws `Problem` and writes nothing where it may not
 * begin: 404 for what the caller does not see, 409 for a release that is busy, a version that is not deployed or an
 * active execution, 422 for a path that is blocked or a target that does not fit.
 */
export async function initiate(
  deps: UpgradeDeps,
  call: CommandCall,
  tenantId: Uuid,
  request: InitiateRequest,
): Promise<Execution> {
  await requireTenant(deps, call.principal, tenantId)
  const installedComponents = request.installedComponents ?? null
  const path: PathRequest = { ...request, tenantId, installedComponents }
  const ends = await endsOf(deps.db, deps.ports, path)
  const found = await resolveTarget(deps, { tenantId, component: ends.component, target: request.target })
  await refuseActive(deps, path, found)
  const halfWay = await isHalfWay(deps.db, found.releases, betweenOf(tenantId, ends))
  requireReleases(found.releases, ends.from, halfWay ? ends.to.helmChartVersion : null)
  requireStrategy(found, request)
  const resolved = movedBy(request, found)
  const takenOver = halfWay || runsFrozen(found.releases, ends.to.version)
  const warnings = await requireEdge(deps, path, takenOver, request)
  const foreseen = await foreseenOf(deps, resolved, ends, request)
  await requireHold(foreseen, request)
  const label = request.initiatedBy ?? null
  const overrides = request.overrideChecks ?? []
  const parts = { tenantId, ends, resolved, spec: specOf(request), overrides, installedComponents, warnings, label }
  const made = await onItsFleet(deps, call, parts, request.totalInstances)
  const execution = withoutSurge(await withDowntime(made.execution, foreseen), resolved)
  return accept(deps, call, { ...made, execution })
}

function betweenOf(tenantId: Uuid, { component, from, to }: Ends): Between {
  return { tenantId, componentId: component.id, from: versionRef(from), to: versionRef(to) }
}

/** Whether the registry lets it begin; answers what it warns of. */
async function requireEdge(
  deps: UpgradeDeps,
  path: PathRequest,
  takenOver: boolean,
  { overrideChecks = [] }: InitiateRequest,
): Promise<readonly Warning[]> {
  const verdict = await judgePath(deps.db, deps.ports, path, takenOver)
  return requirePath(
    verdict,
    overrideChecks.map(({ check }) => check),
  )
}

/** The execution, with the simulated fleet that belongs to it where it is a rehearsal. */
type Made = { readonly execution: Execution; readonly world: World | null }

async function onItsFleet(
  deps: UpgradeDeps,
  call: CommandCall,
  parts: Parts,
  totalInstances: number | undefined,
): Promise<Made> {
  const { target } = parts.resolved
  if (target.kind === 'rehearsal') {
    return rehearsed(deps, call, parts, { size: totalInstances ?? rehearsalSize, faults: target.faults })
  }
  const draft = newExecution(deps, call, parts, { wanted: 0, members: [], places: null })
  const fleet = await countFleet(deps, draft, totalInstances)
  return { execution: newExecution(deps, call, parts, fleet), world: null }
}

function specOf(request: InitiateRequest): UpgradeSpec {
  return {
    strategy: request.strategy,
    canaryPercentage: request.canaryPercentage,
    batchSize: request.batchSize,
    batchDelaySeconds: request.batchDelaySeconds,
    healthCheckIntervalSeconds: request.healthCheckIntervalSeconds,
    healthCheckTimeoutSeconds: request.healthCheckTimeoutSeconds,
    maxUnavailablePercentage: request.maxUnavailablePercentage,
    autoRollbackEnabled: request.autoRollbackEnabled,
    failureThreshold: request.failureThreshold,
  }
}

/** What a strategy needs of the target (SPEC section 5, "Strategies"). */
function requireStrategy({ capabilities, target, notHeld, notBeside }: Resolved, { strategy }: InitiateRequest): void {
  if (strategy === 'BLUE_GREEN' && !capabilities.pin) {
    const what = target.kind === 'workload' ? target.workload.kind : 'set of releases'
    const why = what === 'Deployment' ? 'one that no Service selects' : `a ${what}`
    throw refusedStrategy('refused', `BLUE_GREEN runs both versions behind a Service: ${why} cannot be upgraded so`)
  }
  if (strategy === 'BLUE_GREEN' && notBeside !== null) {
    throw refusedStrategy(
      'cannot_gate',
      `BLUE_GREEN runs both versions beside each other, and that cannot be: ${notBeside}`,
    )
  }
  if (strategy !== 'RECREATE' && capabilities.hold === 'none') {
    throw refusedStrategy('cannot_gate', notHeld ?? 'the instances cannot be held: only RECREATE is possible')
  }
}

/**
 * All at once, no instance has to be kept from moving; but a controller may leave some, or take one after another, by what
 * its chart says. So it is moved as every other fleet, and what the chart says is put back.
 */
function movedBy({ strategy }: InitiateRequest, found: Resolved): Resolved {
  const { hold } = found.capabilities
  if (strategy !== 'RECREATE' || hold !== 'none') return found
  return { ...found, capabilities: { ...found.capabilities, hold: 'gate' } }
}

/** The new version is rendered for it; null where there is no single workload, it does not render, or nothing depends on it. */
async function foreseenOf(
  { ports }: UpgradeDeps,
  { target, releases: [release] }: Resolved,
  { to }: Ends,
  { strategy }: InitiateRequest,
): Promise<Foreseen | null> {
  if (target.kind !== 'workload' || release === undefined || strategy === 'RECREATE') return null
  return ports.foresee(release, target.workload, to.helmChartVersion)
}

/** The new version may set what the deployed one does not. */
async function requireHold(foreseen: Foreseen | null, { strategy }: InitiateRequest): Promise<void> {
  if (foreseen === null) return
  if (foreseen.notHeld !== null) throw refusedStrategy('cannot_gate', foreseen.notHeld)
  const apart = strategy === 'BLUE_GREEN' ? await foreseen.notSwitched() : null
  if (apart !== null) throw refusedStrategy('refused', apart)
}

/** Where instances surge, room decides whether one is ready all the time: SPEC section 5, "Safety". */
async function withDowntime(execution: Execution, foreseen: Foreseen | null): Promise<Execution> {
  if (foreseen === null || !needsRoom(execution)) return execution
  return {
    ...execution,
    warnings: [...execution.warnings, ...downtimeWithout(execution, (await foreseen.room()).pods)],
  }
}

/** Who has fewer ready instances than a Deployment is promised is told why, and how many. */
function withoutSurge(execution: Execution, { notBeside }: Resolved): Execution {
  return { ...execution, warnings: [...execution.warnings, ...noSurgeWarnings(execution, notBeside)] }
}

function refusedStrategy(code: 'refused' | 'cannot_gate', message: string): Problem {
  return new Problem(code, message, { errors: [{ pointer: '/strategy', message }] })
}

/** The unique index decides; this look before it spares the rest. */
async function refuseActive(deps: UpgradeDeps, path: PathRequest, { target }: Resolved): Promise<void> {
  const active = await activeExecution(deps.db, { ...path, rehearsal: target.kind === 'rehearsal' })
  if (active !== null) throw executionActive(active)
}

function rehearsed(deps: UpgradeDeps, call: CommandCall, parts: Parts, wanted: Omit<NewRehearsal, 'releaseIds'>): Made {
  const now = deps.clock.now()
  const fleet = fleetOfWorld(newRehearsal({ ...wanted, releaseIds: [] }, now), now)
  const execution = newExecution(deps, call, parts, fleet)
  const releaseIds = execution.claims.map(({ releaseId }) => releaseId)
  return { execution, world: newRehearsal({ ...wanted, releaseIds }, now) }
}

async function accept(deps: UpgradeDeps, call: CommandCall, { execution, world }: Made): Promise<Execution> {
  const written = await transaction(deps.db, async (tx) => {
    if (!(await insertExecution(tx, execution))) return false
    if (world !== null) await writeWorld(tx, execution.id, world)
    await recordExecution(tx, execution, [createdEvent(execution)], deps.clock.now())
    await audit(tx, deps, call, execution)
    // It is looked at once, and rests until it has not been started for too long.
    await wake(tx, { kind: 'execution', id: execution.id }, { share: execution.tenantId })
    await call.onDone(tx, execution)
    return true
  })
  if (!written) throw await takenMeanwhile(deps, execution)
  return execution
}

/** Two at once: both looked before either wrote, and the index let one of them in. */
async function takenMeanwhile({ db }: UpgradeDeps, { tenantId, componentId, target }: Execution): Promise<Problem> {
  const active = await activeExecution(db, { tenantId, componentId, rehearsal: target.kind === 'rehearsal' })
  return executionActive(active)
}

function executionActive(active: ActiveExecution | null): Problem {
  if (active === null) return new Problem('execution_active', 'another upgrade execution began at the same moment')
  const detail = `the upgrade execution ${active.id} of this tenant and component is ${active.status}`
  return new Problem('execution_active', detail, { extra: { executionId: active.id, executionStatus: active.status } })
}

function audit(tx: Tx, deps: UpgradeDeps, { principal, reason }: CommandCall, { id, tenantId }: Execution) {
  const fact = { principal, action: 'upgrade.initiated', subject: `execution/${id}`, tenantId }
  return recordAudit(tx, deps, { ...fact, reason: reason ?? undefined })
}
