import { type Instant, lastOf, seconds } from '../core/instant.ts'
import type { Json } from '../core/json.ts'
import { Problem } from '../core/problems.ts'
import { ClusterError, ManifestError, type PastRevision } from '../infra/kubernetes/index.ts'
import { CannotOpen } from '../infra/secrets/vault.ts'
import type { Leftover, ReleaseState, Remains } from './core/model.ts'
import { endsRemoval } from './core/phases/removing.ts'
import { removalEnd } from './core/removal.ts'
import { openOperation } from './core/situation.ts'
import type { ReleaseDeps } from './deps.ts'
import { evidenceView } from './evidence.ts'
import type { ReleaseCluster } from './ports.ts'
import { renderUpgrade } from './render-upgrade.ts'
import { newestDeployment } from './store/operations.ts'
import { newestManifest, pastRevisions, revisionContent } from './store/queries.ts'

/** What the objects of a release that Helm has no record of are known by; null where nothing is known. */
export type Manifests = {
  /** The newest revision's that is mirrored. */
  readonly newest: string | null
  /** What the last helm of ours may have written besides, though no revision of Helm's says so any more. */
  readonly unfinished: string | null
  /** Every revision that is mirrored, newest first. */
  readonly history: () => AsyncIterable<PastRevision>
}

/** Reads them from the database; what no revision tells is rendered again from the kept chart. */
export async function manifestsOf(deps: Omit<ReleaseDeps, 'machine'>, state: ReleaseState): Promise<Manifests> {
  const { id } = state.release
  const newest = await newestManifest(deps.db, deps.vault, id)
  const unfinished = await unfinishedManifest(deps, state)
  return { newest, unfinished, history: () => pastRevisions(deps.db, deps.vault, id) }
}

async function unfinishedManifest(
  deps: Omit<ReleaseDeps, 'machine'>,
  { release, revisions }: ReleaseState,
): Promise<string | null> {
  const last = await newestDeployment(deps.db, deps.vault, release.id)
  if (last === null || last.outcome?.status === 'SUCCEEDED') return null
  const made = revisions.find(({ operationId }) => operationId === last.id)
  const known = made?.revision ?? last.request.targetRevision
  if (known !== null) return (await revisionContent(deps.db, deps.vault, release.id, known))?.manifest ?? null
  return last.request.chartDigest === null
    ? null
    : rendered(deps, release, last.request.chartDigest, last.request.values)
}

/** What does not render was never written. */
async function rendered(...[deps, release, digest, values]: Parameters<typeof renderUpgrade>): Promise<string | null> {
  try {
    return (await renderUpgrade(deps, release, digest, values)).manifest
  } catch (error) {
    if (error instanceof Problem) return null
    throw error
  }
}

/**
 * What is left in the cluster of a release that Helm has no record of; null while nobody asks. Throws `ClusterError`,
 * `ManifestError` and `CannotOpen` where an operation waits for the answer.
 */
export async function remainsOf(
  state: ReleaseState,
  { cluster, now }: { readonly cluster: ReleaseCluster; readonly now: Instant },
  manifests: () => Promise<Manifests>,
): Promise<Remains | null> {
  if (!isAsked(state)) return null
  try {
    const known = await manifests()
    const late = isLate(state, now)
    const remains = await read(state, cluster, { known, late })
    if (remains.gone || !late || openOperation(state) === null) return remains
    const evidence = await remainingEvidence(cluster, known, state.release.namespace)
    return evidence === null ? remains : { ...remains, evidence }
  } catch (error) {
    if (!isUnknown(error) || openOperation(state)?.phase.name === 'removing') throw error
    const why = 'what is left of it cannot be read'
    return { ...nothing, leftovers: [{ kind: 'Release', name: state.release.name, why }] }
  }
}

/** Looking again tells no more. */
const isUnknown = (error: unknown): boolean =>
  error instanceof ManifestError ||
  error instanceof CannotOpen ||
  (error instanceof ClusterError && error.status === 403)

/** It will be over by the next look, or is already: what hangs is told with the failure, and what stays with the end. */
function isLate(state: ReleaseState, now: Instant): boolean {
  if (openOperation(state)?.cancelRequested === true) return true
  const end = removalEnd(state)
  return end !== null && now + seconds(2) >= end
}

async function remainingEvidence(
  cluster: ReleaseCluster,
  { newest, unfinished }: Manifests,
  namespace: string,
): Promise<Json> {
  const manifest = newest ?? unfinished
  if (manifest === null) return null
  try {
    return evidenceView(null, { conflicts: [], pods: await cluster.remainingEvidence(manifest, namespace) })
  } catch {
    return null
  }
}

function isAsked(state: ReleaseState): boolean {
  const { status, failedKind, revision } = state.release
  const operation = openOperation(state)
  if (operation !== null) return operation.phase.name === 'removing' || operation.phase.name === 'yielding'
  return failedKind === 'uninstall' || (status !== 'UNINSTALLED' && (revision > 0 || state.revisions.length > 0))
}

const nothing: Remains = { gone: true, deleting: false, blockers: [], remaining: [], leftovers: [] }

/** Earlier revisions are asked about only where that is the end of it: it is a request for each of their objects. */
async function read(
  state: ReleaseState,
  cluster: ReleaseCluster,
  { known: manifests, late }: { readonly known: Manifests; readonly late: boolean },
): Promise<Remains> {
  const remains = await readNewest(state, cluster, manifests)
  if (!late && !endsRemoval(state, remains)) return remains
  const { namespace, name } = state.release
  const past = await cluster.leftBehind(manifests.history(), namespace, name)
  const told = new Set(remains.remaining.map(keyOf))
  const leftovers = distinct([...past.filter((one) => !told.has(keyOf(one))), ...remains.leftovers])
  return { ...remains, leftovers, whole: true }
}

async function readNewest(
  { release: { namespace, name } }: ReleaseState,
  cluster: ReleaseCluster,
  { newest, unfinished }: Manifests,
): Promise<Remains> {
  const known = newest === null ? nothing : await cluster.remains(newest, namespace, name)
  if (unfinished === null || unfinished === newest) return known
  return both(known, await cluster.remains(unfinished, namespace, name, { marked: true }))
}

function both(one: Remains, other: Remains): Remains {
  const left = [one, other].filter(({ gone }) => !gone)
  const ends = left.flatMap(({ stopping }) => stopping ?? [])
  return {
    // Where one part of it is more than pods that stop, so is the whole.
    ...(left.length > 0 && ends.length === left.length
      ? { stopping: { until: lastOf(ends.map(({ until }) => until)) } }
      : {}),
    gone: one.gone && other.gone,
    deleting: one.deleting || other.deleting,
    blockers: [...new Set([...one.blockers, ...other.blockers])],
    remaining: distinct([...one.remaining, ...other.remaining]),
    leftovers: distinct([...one.leftovers, ...other.leftovers]),
  }
}

function distinct(objects: readonly Leftover[]): readonly Leftover[] {
  return [...new Map(objects.map((one) => [keyOf(one), one])).values()]
}

const keyOf = ({ kind, name }: Leftover): string => `${kind} ${name}`
