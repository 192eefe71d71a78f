import type { Instant } from '../core/instant.ts'
import { isJsonObject } from '../core/json.ts'
import type { Lru } from '../core/lru.ts'
import {
  attemptLabel,
  listRecords,
  operationLabel,
  type RecordMetadata,
  readRevision,
  redact,
  type StoredRecord,
  UnreadableRecordError,
} from '../infra/helm/index.ts'
import { ClusterError, ManifestError } from '../infra/kubernetes/index.ts'
import { CannotOpen } from '../infra/secrets/vault.ts'
import { isKnown } from './core/follow.ts'
import type { Frozen, FrozenTraffic, HelmRevision, Phase, ReleaseObservation, ReleaseState } from './core/model.ts'
import { waits } from './core/phases/waiting.ts'
import { openOperation } from './core/situation.ts'
import { asksTemplates, type HeldTemplates } from './core/without-effect.ts'
import { type FailureDeps, failureSight } from './failure-sight.ts'
import { type OverwrittenDeps, overwrittenNext } from './overwritten.ts'
import type { ReleaseCluster } from './ports.ts'
import { type Manifests, remainsOf } from './remains.ts'

export type ObserveDeps = {
  readonly cluster: ReleaseCluster
  /** What is known of the objects of a release that Helm has no record of. */
  readonly manifests: (state: ReleaseState) => Promise<Manifests>
  /** The manifest of a revision that is mirrored. */
  readonly manifestOf: OverwrittenDeps['manifestOf']
  /** Keeps the chart of a record by its digest; null when it cannot be repacked. The same record changes nothing twice. */
  readonly keepChart: (stored: StoredRecord) => Promise<string | null>
  /** Where the traffic of a frozen release goes. */
  readonly traffic: (release: ReleaseState['release']) => Promise<FrozenTraffic | null>
  /** How many pods of a frozen release run each version. */
  readonly frozenVersions: (release: ReleaseState['release']) => Promise<Frozen['versions'] | null>
  /** Whether a workload carries the note of an execution that has ended. */
  readonly stillHeld: (release: ReleaseState['release']) => Promise<boolean>
  /** Whether what is held of a frozen release has the pod templates with which it was left. */
  readonly heldTemplates: (release: ReleaseState['release']) => Promise<HeldTemplates>
  readonly openEvidence: FailureDeps['openEvidence']
  /** When the look is taken. */
  readonly now: Instant
  /** Records that could not be decoded, as they were: one that is made to cost much costs it once. */
  readonly damaged: Lru<true>
  /** For faults of ours that do not end a look. */
  readonly log: OverwrittenDeps['log']
}

/**
 * Looks at a release: Helm's records, and what else its operation waits for. Changes nothing. A cluster that does not
 * answer, or a record that cannot be decoded, is `unreadable`, never `absent`.
 */
export async function observeRelease(state: ReleaseState, deps: ObserveDeps): Promise<ReleaseObservation> {
  try {
    return await look(state, deps)
  } catch (error) {
    return { kind: 'unreadable', why: whyUnreadable(error) }
  }
}

/** What can be wrong with a cluster, a record or what is kept of one, in words for callers. Everything else is a fault of ours: it is thrown. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof UnreadableRecordError || error instanceof ManifestError) return 'a record of Helm cannot be read'
  if (error instanceof CannotOpen) return 'what is kept of the release cannot be opened'
  if (error instanceof ClusterError) return describe(error.status)
  throw error
}

function describe(status: number): string {
  if (status === 401 || status === 403) return `the cluster does not let Flotilla read (${status})`
  return status === 0 ? 'the cluster does not answer' : `the cluster answers with ${status}`
}

async function look(state: ReleaseState, deps: ObserveDeps): Promise<ReleaseObservation> {
  const { cluster } = deps
  const { namespace, name } = state.release
  const { records, unreadable } = await listRecords(cluster.endpoint, { namespace, release: name })
  if (unreadable.length > 0) return { kind: 'unreadable', why: `a record of ${name} cannot be read` }
  const newestFirst = [...records].sort((a, b) => b.version - a.version)
  const [head] = newestFirst
  if (head === undefined) return { kind: 'absent', remains: await remainsOf(state, deps, () => deps.manifests(state)) }
  const newest = await read(state, deps, head)
  if (newest === null) return { kind: 'unreadable', why: 'the newest record was removed while it was being read' }
  const readiness = await readinessOf(state, cluster, newest)
  if (readiness?.settled === true && !(await isStillNewest(cluster, head))) return look(state, deps)
  return {
    kind: 'present',
    newest,
    unknown: await readUnknown(state, deps, newestFirst.slice(1)),
    stored: records.map(({ version, uid, status }) => ({ revision: version, secretUid: uid, status })),
    readiness,
    remains: newest.status === 'uninstalled' ? await remainsOf(state, deps, () => deps.manifests(state)) : null,
    ...(await failureSight(state, deps, newest)),
    overwritten: await overwrittenNext(state, newest, deps),
    ...(await frozenSight(state, deps)),
    ...(await templatesSight(state, newest, deps)),
    ...(await heldSight(state, deps)),
  }
}

/**
 * At rest only: whoever acts on the release has its workloads to himself. What cannot be read of them stays as it was told,
 * and is looked at again: it hinders neither following another hand nor settling a late write.
 */
async function frozenSight(state: ReleaseState, { traffic, frozenVersions }: ObserveDeps) {
  const { release } = state
  const { frozen, claim } = release
  const atRest = frozen !== null && !frozen.over && claim === null && openOperation(state) === null
  if (!atRest) return { traffic: null, frozenVersions: null }
  return {
    traffic: await traffic(release).catch(ifUnknown({ kind: 'unseen' } as const)),
    frozenVersions: await frozenVersions(release).catch(ifUnknown(frozen.versions)),
  }
}

/**
 * At rest, and where another hand's revision is settled by force. Whether that has changed anything is not concluded from not seeing:
 * a cluster that cannot be read is looked at again.
 */
async function templatesSight(state: ReleaseState, newest: HelmRevision, { heldTemplates }: ObserveDeps) {
  const { release } = state
  if (!asksTemplates(state, newest, isKnown(release, newest))) return {}
  return { heldTemplates: await heldTemplates(release) }
}

/** What was made anew from a copy of a time at which it was held comes without a freeze that would end (docs/adr/0062). */
async function heldSight(state: ReleaseState, { stillHeld }: ObserveDeps) {
  const operation = openOperation(state)
  const asks = operation !== null && operation.request.heldBy === null && state.release.frozen === null
  if (!asks || !behindHelm.has(operation.phase.name)) return {}
  return (await stillHeld(state.release)) ? { stillHeld: true } : {}
}

/** Phases from which an operation goes on once helm has applied. */
const behindHelm: ReadonlySet<Phase['name']> = new Set(['applying', 'superseding'])

async function readinessOf(state: ReleaseState, cluster: ReleaseCluster, newest: HelmRevision) {
  const operation = openOperation(state)
  if (newest.status !== 'deployed' || !asksReadiness(state, newest)) return null
  const jobs = operation?.request.waitForJobs ?? false
  const read = cluster.readiness(newest.manifest, state.release.namespace, { jobs })
  const isAwaited = operation?.phase.name === 'waiting' && waits(operation)
  // What nobody waits for hinders neither the end of an operation nor following another hand.
  return isAwaited ? read : read.catch(ifUnknown(null))
}

/**
 * What is not waited for is asked about when helm has applied it: how many instances were there before says nothing any more
 * of a revision that may have none.
 */
function asksReadiness(state: ReleaseState, { secretUid }: HelmRevision): boolean {
  const operation = openOperation(state)
  const isNew = state.revisions.every((known) => known.secretUid !== secretUid)
  if (operation === null) return isNew
  if (operation.phase.name === 'waiting') return true
  const isApplied = operation.phase.name === 'superseding' || (operation.phase.name === 'applying' && isNew)
  return isApplied && !waits(operation) && operation.request.heldBy === null
}

/** That value where a cluster or a manifest cannot be read. */
function ifUnknown<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ClusterError || error instanceof ManifestError) return value
    throw error
  }
}

/** Workloads are read after the record: what is ready by then may be what another hand has deployed in between. */
async function isStillNewest({ endpoint }: ReleaseCluster, head: RecordMetadata): Promise<boolean> {
  const { records } = await listRecords(endpoint, { namespace: head.namespace, release: head.name })
  return records.some(({ uid }) => uid === head.uid) && records.every(({ version }) => version <= head.version)
}

/** Revisions that are not mirrored yet, oldest first. */
async function readUnknown(state: ReleaseState, deps: ObserveDeps, older: readonly RecordMetadata[]) {
  const known = new Set(state.revisions.map((revision) => revision.secretUid))
  const missing = older.filter(({ uid }) => !known.has(uid)).reverse()
  const found = await Promise.all(missing.map((metadata) => read(state, deps, metadata)))
  return found.filter((revision) => revision !== null)
}

async function read(state: ReleaseState, deps: ObserveDeps, metadata: RecordMetadata): Promise<HelmRevision | null> {
  const { namespace, name, version } = metadata
  const stored = await readOnce(deps.damaged, metadata, () =>
    readRevision(deps.cluster.endpoint, namespace, name, version),
  )
  if (stored === null) return null
  return helmRevision(stored, isByAnotherHand(state, stored) ? await deps.keepChart(stored) : null)
}

async function readOnce<T>(damaged: Lru<true>, { uid, resourceVersion }: RecordMetadata, ask: () => Promise<T>) {
  const key = `${uid} ${resourceVersion}`
  if (damaged.get(key) !== undefined) throw new UnreadableRecordError('the record could not be read before')
  try {
    return await ask()
  } catch (error) {
    if (error instanceof UnreadableRecordError) damaged.set(key, true)
    throw error
  }
}

/** Not mirrored yet, and no operation of ours is under way that could have made it: labels prove nothing, they are inherited. */
function isByAnotherHand(state: ReleaseState, { uid }: StoredRecord): boolean {
  return openOperation(state) === null && !state.revisions.some((revision) => revision.secretUid === uid)
}

/** A stored record in the words of this feature. */
export function helmRevision(
  { record, uid, resourceVersion, labels }: StoredRecord,
  chartDigest: string | null,
): HelmRevision {
  const { metadata } = record.chart
  return {
    revision: record.version,
    secretUid: uid,
    resourceVersion,
    status: record.info.status,
    operationId: labels[operationLabel] ?? null,
    attempt: Number(labels[attemptLabel]) || null,
    // Helm writes its errors there, with the values that they quote.
    description: redact(record.info.description),
    chart: metadata.name,
    chartVersion: metadata.version,
    appVersion: metadata.appVersion,
    values: isJsonObject(record.config) ? record.config : {},
    manifest: record.manifest,
    hooks: record.hooks.map(({ manifest }) => String(manifest ?? '')).join('\n---\n'),
    deployedAt: timeOf(record.info.lastDeployed),
    chartDigest,
  }
}

/** The year 10000: what lies past it, or before 1970, has no place in RFC 3339 or in the database, and is not known. */
const endOfTime = Date.UTC(10_000)

function timeOf(text: string | null): Instant {
  const at = Date.parse(text ?? '')
  return at >= 0 && at < endOfTime ? at : 0
}
