import type { Instant } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Tx } from '../../infra/database/types.ts'
import { executeIn } from '../../infra/engine/index.ts'
import type { ExecutionCommand, NewOperation, OperationRequest, ReleaseState } from '../core/model.ts'
import { revisionToReturnTo } from '../core/revisions.ts'
import type { ReleaseDeps } from '../deps.ts'
import type { ExecutionOrder, ExecutionOrders, OrderedChart, ReturnTo } from '../execution-orders.ts'
import { lookAtClaimed } from '../store/claimed.ts'
import { operationExists } from '../store/operations.ts'
import { revisionContent } from '../store/queries.ts'
import { noSuchRelease } from './context.ts'

/** What upgrade executions may ask of releases, over the machine of releases: its rules hold for them too. */
export function executionOrders(deps: ReleaseDeps): ExecutionOrders {
  const ask = (tx: Tx, releaseId: string, command: ExecutionCommand, now: Instant) =>
    executeIn(tx, deps.machine, releaseId, { command, now }).then(() => undefined)
  return {
    claim: (tx, { releaseId, executionId }, now) => ask(tx, releaseId, { kind: 'claim', executionId }, now),
    show: (tx, { releaseId, executionId }, status, now) =>
      ask(tx, releaseId, { kind: 'show', executionId, status }, now),
    unclaim: (tx, { releaseId, executionId, frozen }, now) =>
      ask(tx, releaseId, { kind: 'unclaim', executionId, frozen }, now),
    conclude: (tx, { releaseId, ...verdict }, now) => ask(tx, releaseId, { kind: 'conclude', ...verdict }, now),
    upgrade: (tx, order, now) =>
      give(deps, tx, order, async (state) => {
        const operation = operationOf(order, upgradeRequest(order, state))
        await ask(tx, order.releaseId, { kind: 'order', action: 'upgrade', operation }, now)
      }),
    rollback: (tx, order, now) =>
      give(deps, tx, order, async (state) => {
        const operation = operationOf(order, await rollbackRequest(deps, tx, order, state))
        await ask(tx, order.releaseId, { kind: 'order', action: 'rollback', operation }, now)
      }),
    look: lookAtClaimed,
  }
}

/** The row is locked first: what the order is made of stays as it is, and an order that was given is seen. */
async function give(
  deps: ReleaseDeps,
  tx: Tx,
  { releaseId, operationId }: ExecutionOrder,
  order: (state: ReleaseState) => Promise<void>,
): Promise<void> {
  const state = await deps.states.load(tx, releaseId, { lock: true })
  if (state === null) throw noSuchRelease(releaseId)
  if (!(await operationExists(tx, operationId))) await order(state)
}

type Deploys = Pick<OperationRequest, 'chartDigest' | 'chartVersion' | 'appVersion' | 'values' | 'hasHooks'>

function upgradeRequest(
  { chart, ...order }: ExecutionOrder & { readonly chart: OrderedChart },
  { release }: ReleaseState,
): OperationRequest {
  const { digest, version, appVersion, hasHooks } = chart
  const deploys = { chartDigest: digest, chartVersion: version, appVersion, values: release.values, hasHooks }
  return { ...held(order, deploys), targetRevision: null }
}

async function rollbackRequest(
  deps: ReleaseDeps,
  tx: Tx,
  { chartVersion: wanted, found, orFound, ...order }: ExecutionOrder & ReturnTo,
  { release, revisions }: ReleaseState,
): Promise<OperationRequest> {
  const targetRevision = revisionToReturnTo(revisions, { chartVersion: wanted, found, orFound })
  if (targetRevision === null) throw neverRan(release.name, wanted)
  const there = await revisionContent(tx, deps.vault, release.id, targetRevision)
  if (there === null) throw new Problem('revision_not_found', `the release has no revision ${targetRevision}`)
  const { chartDigest, chartVersion, appVersion } = there
  const deploys = { chartDigest, chartVersion, appVersion, values: there.values as JsonObject, hasHooks: false }
  return { ...held(order, deploys), targetRevision }
}

const neverRan = (name: string, chartVersion: string): Problem =>
  new Problem('revision_not_found', `the release ${name} has no revision of chart version ${chartVersion}`)

/** The execution waits in our place, and decides itself what is gone back to. */
function held({ executionId, timeoutSeconds, reason }: ExecutionOrder, deploys: Deploys) {
  return {
    ...deploys,
    description: reason,
    timeoutSeconds,
    atomic: false,
    wait: true,
    waitForJobs: false,
    forceConflicts: false,
    heldBy: executionId,
  } satisfies Partial<OperationRequest>
}

function operationOf(order: ExecutionOrder, request: OperationRequest): NewOperation {
  const { operationId, performedBy, principalId, reason } = order
  return { id: operationId, parentId: null, performedBy, principalId, reason, request }
}
