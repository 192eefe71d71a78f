import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Tx } from '../infra/database/types.ts'
import { type ActContext, ActFailed, type Acts, fenced } from '../infra/engine/index.ts'
import { shownFailure } from '../releases/index.ts'
import type { ClaimedRelease, Execution, ExecutionAct } from './core/model.ts'
import type { MachineDeps } from './deps.ts'
import { maskOf } from './observe.ts'
import { loadExecution } from './store/executions.ts'

type Act<K extends ExecutionAct['kind']> = Extract<ExecutionAct, { kind: K }>

/** How each act is carried out. In a rehearsal all of them are done to the simulated fleet. */
export function executionActs(deps: MachineDeps): Acts<ExecutionAct> {
  const on =
    <K extends ExecutionAct['kind']>(
      carryOut: (act: Act<K>, execution: Execution, context: ActContext) => Promise<void>,
    ) =>
    async (act: Act<K>, context: ActContext): Promise<void> => {
      if (await deps.ports.fleets.rehearsal.act(act, context.lease)) return
      const execution = await loadExecution(deps.db, context.lease.subject.id)
      if (execution === null) return
      try {
        await carryOut(act, execution, context)
      } catch (error) {
        throw error instanceof ActFailed ? shownFailure(error, await maskOf(deps, execution)) : error
      }
    }
  const driver = (execution: Execution) => deps.ports.fleets[execution.target.kind].driver
  return {
    gate: on<'gate'>((act, execution, held) => driver(execution).gate(execution, act.position, act.take, held)),
    pin: on<'pin'>((act, execution, held) => driver(execution).pin(execution, act.to, held)),
    removePods: on<'removePods'>((act, execution, held) => driver(execution).removePods(execution, act.pods, held)),
    deploy: on<'deploy'>((act, execution, context) => deploy(deps, act.releaseIds, execution, context)),
    undo: on<'undo'>((act, execution, context) => undo(deps, act.releaseIds, execution, context)),
    conclude: on<'conclude'>((act, execution, context) => conclude(deps, act, execution, context)),
  }
}

/** Helm and its hooks get as long as they do by default, or as long as an instance may take to become healthy. */
const shortestHelmSeconds = 300

/** Gives the upgrade to each release that it was not given to yet. The same chart for all of them. */
async function deploy(
  deps: MachineDeps,
  releaseIds: readonly Uuid[],
  execution: Execution,
  context: ActContext,
): Promise<void> {
  const { charts, releases } = deps.ports
  const [any] = await releases.byIds(deps.db, releaseIds)
  if (any === undefined) return
  const chart = await refusable(() => charts.resolve(any.chart, execution.to.chartVersion))
  await forEach(deps, releaseIds, execution, context, (tx, claim) =>
    releases.orders.upgrade(tx, { ...orderOf(execution, claim, claim.deployId), chart }, deps.clock.now()),
  )
}

/** Gives each release the rollback to the version that the execution began with. */
function undo(deps: MachineDeps, releaseIds: readonly Uuid[], execution: Execution, context: ActContext) {
  return forEach(deps, releaseIds, execution, context, (tx, claim) => {
    const orFound = execution.capabilities.hold !== 'each'
    const back = { chartVersion: execution.from.chartVersion, found: claim.revision, orFound }
    const reason = `upgrade execution ${execution.id}: back to ${execution.from.version}`
    const order = { ...orderOf(execution, claim, claim.undoId), ...back, reason }
    return deps.ports.releases.orders.rollback(tx, order, deps.clock.now())
  })
}

function conclude(deps: MachineDeps, act: Act<'conclude'>, execution: Execution, context: ActContext) {
  return forEach(deps, act.releaseIds, execution, context, (tx, claim) => {
    const operationId = act.which === 'deploy' ? claim.deployId : claim.undoId
    const { releaseId } = claim
    const order = { releaseId, executionId: execution.id, operationId, verdict: act.verdict }
    return deps.ports.releases.orders.conclude(tx, order, deps.clock.now())
  })
}

function orderOf(execution: Execution, { releaseId }: ClaimedRelease, operationId: Uuid) {
  return {
    releaseId,
    executionId: execution.id,
    operationId,
    timeoutSeconds: Math.max(shortestHelmSeconds, execution.spec.healthCheckTimeoutSeconds),
    performedBy: execution.initiatedBy,
    principalId: execution.principalId,
    reason: `upgrade execution ${execution.id}: ${execution.from.version} to ${execution.to.version}`,
  }
}

/** One transaction a release, each fenced by the lease. What one of them refuses does not keep the others back. */
async function forEach(
  deps: MachineDeps,
  releaseIds: readonly Uuid[],
  execution: Execution,
  { lease }: ActContext,
  order: (tx: Tx, claim: ClaimedRelease) => Promise<void>,
): Promise<void> {
  let refused: ActFailed | null = null
  for (const releaseId of [...releaseIds].sort()) {
    const claim = execution.claims.find((each) => each.releaseId === releaseId)
    if (claim === undefined) continue
    try {
      await refusable(() => fenced(deps.db, lease, (tx) => order(tx, claim)))
    } catch (error) {
      if (!(error instanceof ActFailed)) throw error
      refused ??= error
    }
  }
  if (refused !== null) throw refused
}

/** What is refused has changed nothing; the next look shows why. */
async function refusable<T>(order: () => Promise<T>): Promise<T> {
  try {
    return await order()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new ActFailed('unchanged', { code: error.code, detail: error.message })
  }
}
