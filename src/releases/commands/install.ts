import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { violatesUnique } from '../../infra/database/unique.ts'
import { wake } from '../../infra/engine/index.ts'
import { newRelease } from '../core/create.ts'
import { operationEvent } from '../core/events.ts'
import type { NewOperation, Release } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import type { ResolvedChart } from '../ports.ts'
import { releaseByName } from '../store/queries.ts'
import { recordRelease } from '../store/record.ts'
import { accepting } from './accepting.ts'
import { auditAccepted } from './audit.ts'
import type { CommandCall } from './context.ts'
import { newOperation } from './new-operation.ts'
import { type OperationOptions, optionsOf } from './options.ts'
import { refuseFullQueue, requireQueued } from './queue-limit.ts'
import { refuseMasked } from './refuse-masked.ts'

export type InstallBody = OperationOptions & {
  readonly tenantId: Uuid
  readonly releaseName: string
  readonly namespace: string
  readonly chartName: string
  readonly chartVersion: string
  readonly appVersion?: string | undefined
  readonly valuesOverride?: JsonObject | undefined
}

/**
 * Accepts an install: the chart is resolved and rendered first, then release and operation are written in one
 * transaction. Answers both ids. Throws `Problem` (SPEC sections 2 and 3) and changes nothing then.
 */
export async function install(deps: ReleaseDeps, call: CommandCall, body: InstallBody) {
  // Before anything is looked up for the caller: who may not install there learns nothing of charts.
  await deps.ports.tenants.requirePlace(deps.db, call.principal, body.tenantId, body.namespace)
  await refuseFullQueue(deps.db, body.tenantId)
  const chart = await deps.ports.charts.resolve(body.chartName, body.chartVersion)
  const values = body.valuesOverride ?? {}
  const { tenantId, namespace, releaseName: name } = body
  await refuseMasked(deps.ports.charts, [chart.digest], values)
  await deps.ports.charts.validate(chart, { name, namespace, tenantId }, values)
  const releaseId = deps.newId()
  const operation = wanted(deps, call, body, chart)
  const write = () => accepting(deps, operation.id, (tx) => accept(deps, call, { body, releaseId, operation }, tx))
  try {
    // Two installs at once: both looked before either wrote, and the index let one of them in. Another look finds that one.
    await write().catch((error: unknown) => {
      if (!violatesUnique(error, 'releases_by_name')) throw error
      return write()
    })
    return { releaseId, operationId: operation.id }
  } catch (error) {
    throw violatesUnique(error, 'releases_by_name') ? nameTaken(body, null) : error
  }
}

type Accepted = { readonly body: InstallBody; readonly releaseId: Uuid; readonly operation: NewOperation }

async function accept(deps: ReleaseDeps, call: CommandCall, { body, releaseId, operation }: Accepted, tx: Tx) {
  const place = await deps.ports.tenants.placeInstall(tx, call.principal, body.tenantId, body.namespace)
  await refuseTakenName(tx, place.clusterId, body)
  const spot = { ...place, id: releaseId, name: body.releaseName }
  const state = newRelease(spot, body.chartName, operation, deps.clock.now())
  await deps.states.insert(tx, state)
  const requested = operationEvent(state.release, state.operation, 'requested')
  await recordRelease(tx, state.release, [requested], deps.clock.now())
  await wake(tx, { kind: 'release', id: releaseId }, { share: body.tenantId })
  // Somebody must follow the cluster from now on; when that is so already, this changes nothing.
  await wake(tx, { kind: 'cluster', id: place.clusterId })
  const accepted = { action: 'release.install', subject: `release/${releaseId}`, tenantId: body.tenantId } as const
  await auditAccepted(tx, deps, call, { ...accepted, operationId: operation.id })
  await call.onAccept(tx, operation.id)
  await requireQueued(tx, body.tenantId)
}

function wanted(deps: ReleaseDeps, call: CommandCall, body: InstallBody, chart: ResolvedChart): NewOperation {
  return newOperation(deps, call, {
    ...optionsOf(body),
    chartDigest: chart.digest,
    chartVersion: chart.version,
    appVersion: body.appVersion ?? chart.appVersion,
    values: body.valuesOverride ?? {},
    targetRevision: null,
    hasHooks: chart.hasHooks,
  })
}

/** The database's unique index decides; this look before it names the release that has the name. */
async function refuseTakenName(tx: Tx, clusterId: Uuid, body: InstallBody): Promise<void> {
  const taken = await releaseByName(tx, clusterId, body.namespace, body.releaseName)
  if (taken !== null) throw nameTaken(body, taken)
}

export function nameTaken(
  body: InstallBody,
  by: { readonly id: Uuid; readonly status: Release['status'] } | null,
): Problem {
  const detail = `the namespace ${body.namespace} has a release named ${body.releaseName}`
  const extra = by === null ? {} : { releaseId: by.id, releaseStatus: by.status }
  return new Problem('name_taken', detail, { extra })
}
