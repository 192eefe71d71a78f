import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { readRevision, type StoredRecord, SubchartsUnrecorded, UnreadableRecordError } from '../../infra/helm/index.ts'
import type { NewOperation, Release, ReleaseState } from '../core/model.ts'
import { commandTable, situationOf } from '../core/situation.ts'
import { nextValues, type ValuesMode } from '../core/values.ts'
import type { ReleaseDeps } from '../deps.ts'
import { adoptChart } from '../keep-chart.ts'
import { whyUnreadable } from '../observe.ts'
import type { ResolvedChart } from '../ports.ts'
import { knownOf } from '../shown.ts'
import { command } from './accepting.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { newOperation } from './new-operation.ts'
import { type OperationOptions, optionsOf } from './options.ts'
import { refuseMasked } from './refuse-masked.ts'

export type UpgradeBody = OperationOptions & {
  readonly chartVersion?: string | undefined
  readonly appVersion?: string | undefined
  readonly valuesOverride?: JsonObject | undefined
  readonly valuesMode?: ValuesMode | undefined
  readonly ifRevision?: number | undefined
}

/** What an upgrade would deploy: chart and complete values, checked as far as that goes without the cluster. */
export type PreparedUpgrade = {
  readonly state: ReleaseState
  readonly chart: ResolvedChart
  readonly values: JsonObject
}

/** How often an upgrade is prepared anew when the release moves between preparing and accepting. */
const mostPreparations = 3

/** Looks at what would be accepted. Throws `Problem` when it must not be. */
export type UpgradeCheck = (prepared: PreparedUpgrade) => Promise<void>

/**
 * Accepts an upgrade. Answers the id of its operation. Throws `Problem` and changes nothing then. Each preparation goes
 * through `check`: what is accepted is what was checked.
 */
export async function upgrade(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: UpgradeBody,
  check: UpgradeCheck = async () => {},
): Promise<Uuid> {
  for (let tries = 1; ; tries++) {
    const prepared = await prepareUpgrade(deps, call, id, body)
    await check(prepared)
    try {
      const operation = wanted(deps, call, body, prepared)
      return await command(deps, call, id, { kind: 'upgrade', operation, ifRevision: prepared.state.release.revision })
    } catch (error) {
      const movedMeanwhile = error instanceof Problem && error.code === 'revision_moved'
      if (!movedMeanwhile || tries === mostPreparations) throw error
    }
  }
}

/** Resolves, merges and renders. The table of statuses is asked first: what cannot be accepted is not rendered. */
export async function prepareUpgrade(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: UpgradeBody,
): Promise<PreparedUpgrade> {
  const state = await visibleRelease(deps, call.principal, id)
  const { release } = state
  if (body.ifRevision !== undefined && body.ifRevision !== release.revision) {
    throw new Problem('revision_moved', `the release is at revision ${release.revision}, not ${body.ifRevision}`)
  }
  const values = nextValues(release.values, body.valuesOverride, body.valuesMode ?? 'merge')
  const chart = await chartOf(deps, state, body.chartVersion ?? release.chartVersion)
  // It was shown with all that the charts of the release mark.
  await refuseMasked(deps.ports.charts, [...knownOf(state).charts, chart.digest], body.valuesOverride)
  if (commandTable[situationOf(state)].upgrade === 'allowed') {
    await deps.ports.charts.validate(chart, release, values)
  }
  return { state, chart, values }
}

/** Later operations use the same bytes: the version that is deployed is the one that is kept, wherever it came from. */
async function chartOf(deps: ReleaseDeps, state: ReleaseState, version: string): Promise<ResolvedChart> {
  const { release } = state
  const deployed = state.revisions.filter(({ verdict }) => verdict === 'DEPLOYED').at(-1)
  if (deployed?.chartVersion === version && deployed.chartDigest !== null)
    return deps.ports.charts.kept(deployed.chartDigest)
  try {
    return await deps.ports.charts.resolve(release.chart, version)
  } catch (error) {
    const unknown = error instanceof Problem && error.status === 404
    if (!unknown || version !== release.chartVersion) throw error
    return (await adoptedChart(deps, state)) ?? Promise.reject(error)
  }
}

/** A chart that no source has, repacked from Helm's own record (SPEC section 3: "An adopted chart is repacked"). */
async function adoptedChart(deps: ReleaseDeps, { release }: ReleaseState): Promise<ResolvedChart | null> {
  const stored = await newestRecord(deps, release)
  if (stored === null || stored.record.chart.metadata.version !== release.chartVersion) return null
  try {
    return await adoptChart(deps.ports.charts, stored)
  } catch (error) {
    if (error instanceof SubchartsUnrecorded) throw subchartsUnrecorded(release)
    throw error
  }
}

const subchartsUnrecorded = ({ chart, chartVersion }: Release): Problem =>
  new Problem(
    'chart_not_found',
    `no chart source has ${chart} ${chartVersion}, and Helm's record of the release holds none of the chart's subcharts, so that ` +
      'it cannot be made from there: give a chartVersion that a source has, or publish this one to a source',
  )

/** Helm's record of the newest revision; null where there is none that can be read. Throws `Problem` cluster_unavailable. */
async function newestRecord({ ports }: ReleaseDeps, release: Release): Promise<StoredRecord | null> {
  const { endpoint } = ports.clusters.of(release.clusterId)
  try {
    return await readRevision(endpoint, release.namespace, release.name, release.revision)
  } catch (error) {
    if (error instanceof UnreadableRecordError) return null
    throw new Problem('cluster_unavailable', whyUnreadable(error))
  }
}

function wanted(
  deps: ReleaseDeps,
  call: CommandCall,
  body: UpgradeBody,
  { chart, values }: PreparedUpgrade,
): NewOperation {
  return newOperation(deps, call, {
    ...optionsOf(body),
    chartDigest: chart.digest,
    chartVersion: chart.version,
    appVersion: body.appVersion ?? chart.appVersion,
    values,
    targetRevision: null,
    hasHooks: chart.hasHooks,
  })
}
