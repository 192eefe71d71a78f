import { isDeepStrictEqual } from 'node:util'
import type { StoredRevision, Workload } from '../cluster-reader.ts'
import { brokenVersion } from '../lane.ts'

/** A release as the API shows it. */
export type ShownRelease = {
  readonly id: string
  readonly releaseName: string
  readonly namespace: string
  readonly status: string
  readonly revision: number
  readonly chartName: string
  readonly chartVersion: string
  readonly attemptedChartVersion: string | null
  readonly pendingBy: string | null
  readonly executionId: string | null
  readonly frozen: object | null
  readonly valuesOverride: Record<string, unknown>
}
/** An entry of its history. */
export type ShownRevision = { readonly revision: number; readonly status: string }

export type Seen = {
  readonly releases: readonly ShownRelease[]
  readonly history: ReadonlyMap<string, readonly ShownRevision[]>
  readonly stored: readonly StoredRevision[]
  readonly workloads: readonly Workload[]
}

/** Every release agrees with Helm's storage and with the cluster. */
export function proveAgreement(seen: Seen): readonly string[] {
  const live = seen.releases.filter(({ status }) => status !== 'UNINSTALLED')
  return [...live.flatMap((release) => proveRelease(release, seen)), ...proveGone(live, seen)]
}

function proveRelease(release: ShownRelease, seen: Seen): readonly string[] {
  const who = `${release.namespace}/${release.releaseName} (${release.id})`
  const stored = seen.stored.filter((each) => isOf(release, each.namespace, each.release))
  const newest = stored.reduce<StoredRevision | null>((a, b) => (a === null || b.revision > a.revision ? b : a), null)
  const wrong = [
    ...(release.status.startsWith('PENDING') ? [`is ${release.status} though nothing runs`] : []),
    ...(release.executionId === null ? [] : [`says that ${release.executionId} holds it`]),
    ...(release.pendingBy === null ? [] : [`says that another hand works on it`]),
    ...(newest?.status.startsWith('pending') ? [`Helm's revision ${newest.revision} is ${newest.status}`] : []),
    ...(newest === null || newest.revision === release.revision
      ? []
      : [`is at revision ${release.revision}, Helm at ${newest.revision} (${newest.status})`]),
    ...(release.status === 'DEPLOYED' ? proveDeployed(release, newest, seen) : []),
    ...proveOverrides(release, stored, seen.history.get(release.id) ?? []),
  ]
  return wrong.map((what) => `${who} ${what}`)
}

function proveDeployed(release: ShownRelease, newest: StoredRevision | null, { workloads }: Seen): readonly string[] {
  if (newest === null) return ['is DEPLOYED, and Helm has no record of it']
  const wrong: string[] = []
  if (newest.status !== 'deployed') wrong.push(`is DEPLOYED, Helm says ${newest.status}`)
  if (newest.chartVersion !== release.chartVersion)
    wrong.push(`is at ${release.chartVersion}, Helm at ${newest.chartVersion}`)
  if (!isDeepStrictEqual(newest.values, release.valuesOverride)) wrong.push('has other values than Helm')
  const workload = workloads.find(({ namespace, name }) => isOf(release, namespace, name))
  return [...wrong, ...proveWorkload(release, workload)]
}

/** What the sample charts make of `replicaCount` and `image.tag`, which every install sets. */
function proveWorkload(
  { valuesOverride, chartVersion }: ShownRelease,
  workload: Workload | undefined,
): readonly string[] {
  if (workload === undefined) return ['is DEPLOYED, and its workload is not there']
  const { replicaCount, image } = valuesOverride as { replicaCount: number; image: { tag: string } }
  const tag = `${image.tag}${chartVersion === brokenVersion ? '-never-ready' : ''}`
  const wrong: string[] = []
  const { replicas } = workload
  if (replicas !== null && replicas !== replicaCount) wrong.push(`has ${replicas} replicas instead of ${replicaCount}`)
  if (!workload.images.every((name) => name.endsWith(`:${tag}`)))
    wrong.push(`runs ${workload.images} instead of ${tag}`)
  return wrong
}

/** The stored overrides are those of the newest revision that ended DEPLOYED, where Helm still has it. */
function proveOverrides(
  { valuesOverride, chartVersion }: ShownRelease,
  stored: readonly StoredRevision[],
  history: readonly ShownRevision[],
): readonly string[] {
  const good = history.filter(({ status }) => status === 'DEPLOYED').map(({ revision }) => revision)
  const last = stored.find(({ revision }) => revision === Math.max(0, ...good))
  if (last === undefined) return []
  return [
    ...(isDeepStrictEqual(last.values, valuesOverride) ? [] : [`stores other values than revision ${last.revision}`]),
    ...(last.chartVersion === chartVersion
      ? []
      : [`says ${chartVersion}, revision ${last.revision} is ${last.chartVersion}`]),
  ]
}

/** What belongs to no live release is gone: Helm's records and the workloads. */
function proveGone(live: readonly ShownRelease[], { stored, workloads }: Seen): readonly string[] {
  const isLive = (namespace: string, name: string) => live.some((release) => isOf(release, namespace, name))
  return [
    ...stored
      .filter(({ namespace, release }) => !isLive(namespace, release))
      .map(
        ({ namespace, release, revision }) =>
          `${namespace}/${release} is uninstalled, and Helm has revision ${revision}`,
      ),
    ...workloads
      .filter(({ namespace, name }) => !isLive(namespace, name))
      .map(({ namespace, name }) => `${namespace}/${name} is uninstalled, and its workload is there`),
  ]
}

function isOf({ namespace, releaseName }: ShownRelease, inNamespace: string, name: string): boolean {
  return namespace === inNamespace && releaseName === name
}
