import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import {
  type HelmRevision,
  type NewOperation,
  nothingOverwritten,
  type Operation,
  type Release,
  type ReleaseState,
  type RevisionRecord,
  type RevisionSummary,
} from './model.ts'
import { external, recordOf, statusOfHelm, verdictAmong, verdictOf } from './revisions.ts'
import { untilBegun } from './shown.ts'

export type Place = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly clusterId: Uuid
  readonly namespace: string
  readonly name: string
}

/** A release that is asked for: PENDING_INSTALL with its install queued. The caller saves it and wakes it. */
export function newRelease(
  place: Place,
  chart: string,
  wanted: NewOperation,
  now: Instant,
): ReleaseState & { operation: Operation } {
  const release: Release = {
    ...blank(place, now),
    chart,
    chartVersion: wanted.request.chartVersion,
    appVersion: wanted.request.appVersion,
    status: 'PENDING_INSTALL',
    values: wanted.request.values,
    description: wanted.request.description,
    waitingFor: untilBegun('QUEUED'),
    performedBy: wanted.performedBy,
  }
  const operation = queued(wanted, 'install', { status: 'UNINSTALLED', attemptedChartVersion: null }, now)
  return { release, operation, revisions: [], mirrored: [] }
}

/**
 * A release that another hand made in a tenant's namespace. `history` is Helm's, oldest first, at least one revision.
 * Its `performedBy` is "external" (SPEC section 3). `known`: what earlier releases of that name say of the same revisions.
 */
export function adoptedRelease(
  place: Place,
  history: readonly [HelmRevision, ...HelmRevision[]],
  now: Instant,
  known: readonly RevisionSummary[],
): ReleaseState {
  const newest = history.at(-1) ?? history[0]
  const records = history.map((revision) => adoptedRecord(revision, newest, known))
  const deployed = records.filter((record) => record.verdict === 'DEPLOYED').at(-1)
  const status = statusOfHelm(newest.status) ?? 'DEPLOYED'
  const release: Release = {
    ...blank(place, now),
    chart: newest.chart,
    chartVersion: (deployed ?? newest).chartVersion,
    attemptedChartVersion: deployed !== undefined && status !== 'DEPLOYED' ? newest.chartVersion : null,
    appVersion: newest.appVersion,
    status,
    failedKind: status === 'FAILED' ? (deployed === undefined ? 'install' : 'upgrade') : null,
    everDeployed: deployed !== undefined,
    revision: newest.revision,
    secretUid: newest.secretUid,
    observed: { secretUid: newest.secretUid, resourceVersion: newest.resourceVersion },
    values: deployed?.content?.values ?? newest.values,
    description: newest.description,
    pendingBy: status.startsWith('PENDING_') ? 'external' : null,
    performedBy: external.performedBy,
  }
  return { release, operation: null, revisions: [], mirrored: records }
}

/** Of older revisions the mirror of an earlier release knows best; its operations are not those of this one. */
function adoptedRecord(
  revision: HelmRevision,
  newest: HelmRevision,
  known: readonly RevisionSummary[],
): RevisionRecord {
  const isNewest = revision === newest
  const mirrored = isNewest ? undefined : known.find(({ secretUid }) => secretUid === revision.secretUid)
  const verdict = verdictAmong(mirrored?.verdict ?? verdictOf(revision), isNewest)
  return { ...recordOf(revision, mirrored === undefined ? external : { ...mirrored, operationId: null }), verdict }
}

/** An operation as it is accepted. */
export function queued(
  wanted: NewOperation,
  kind: Operation['kind'],
  before: Operation['before'],
  now: Instant,
): Operation {
  return {
    ...wanted,
    kind,
    phase: { name: 'queued' },
    reverting: null,
    deadline: null,
    cancelRequested: false,
    verdict: null,
    before,
    evidence: null,
    overwritten: nothingOverwritten,
    createdAt: now,
    startedAt: null,
    endedAt: null,
    outcome: null,
  }
}

function blank(place: Place, now: Instant) {
  return {
    ...place,
    attemptedChartVersion: null,
    failedKind: null,
    everDeployed: false,
    revision: 0,
    secretUid: null,
    observed: null,
    health: null,
    waitingFor: null,
    pendingBy: null,
    frozen: null,
    leftovers: [],
    claim: null,
    seq: 0n,
    version: 0,
    createdAt: now,
    updatedAt: now,
  } as const
}
