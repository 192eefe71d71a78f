import type { Clock, Instant } from '../../core/instant.ts'
import {
  type ClusterClient,
  claimsOfSet,
  type Discovery,
  type KubeObject,
  resources,
} from '../../infra/kubernetes/index.ts'
import { within } from './gate/json.ts'
import type { Rendered } from './rendered.ts'
import { claimNames } from './surge.ts'

/** What the cluster has of backups of a release's volumes. */
export type BackupSight =
  /** The release has no volume claims. */
  | { readonly kind: 'nothing-to-back-up' }
  | { readonly kind: 'found'; readonly reference: string; readonly takenAt: Instant }
  | { readonly kind: 'missing'; readonly detail: string; readonly claims: readonly string[] }

export type Backup = KubeObject & {
  readonly spec?: { readonly includedNamespaces?: readonly string[]; readonly excludedNamespaces?: readonly string[] }
  readonly status?: { readonly phase?: string; readonly completionTimestamp?: string }
}
export type Snapshot = KubeObject & {
  readonly spec?: { readonly source?: { readonly persistentVolumeClaimName?: string } }
  readonly status?: { readonly readyToUse?: boolean; readonly creationTime?: string }
}

/** A backup that is older does not count (SPEC section 5, "Checks"). */
export const backupMaxAgeMs = 24 * 60 * 60 * 1000

export type BackupParts = { readonly client: ClusterClient; readonly discovery: Discovery; readonly clock: Clock }

/** Looks for a backup of what a release keeps. Kinds that the cluster does not serve have none. Throws `ClusterError`. */
export async function readBackups(
  { client, discovery, clock }: BackupParts,
  namespace: string,
  objects: readonly Rendered[],
): Promise<BackupSight> {
  const isMine = claimTest(objects)
  const { items } = await client.listMetadata(resources.volumeClaims, { namespace })
  const claims = items.map(({ metadata }) => metadata.name).filter(isMine)
  if (claims.length === 0) return { kind: 'nothing-to-back-up' }
  const list = async <T extends KubeObject>(apiVersion: string, kind: string, within?: string) => {
    const resource = await discovery.find(apiVersion, kind)
    if (resource === null) return []
    return (await client.list<T>(resource, within === undefined ? {} : { namespace: within })).items
  }
  const backups = await list<Backup>('velero.io/v1', 'Backup')
  const snapshots = await list<Snapshot>('snapshot.storage.k8s.io/v1', 'VolumeSnapshot', namespace)
  return judgeBackups({ namespace, claims, backups, snapshots }, clock.now())
}

export type BackupFacts = {
  readonly namespace: string
  readonly claims: readonly string[]
  readonly backups: readonly Backup[]
  readonly snapshots: readonly Snapshot[]
}

/** A complete backup of the namespace, or a usable snapshot of every claim, at most 24 hours old. Pure. */
export function judgeBackups(facts: BackupFacts, now: Instant): BackupSight {
  const { namespace, claims, backups, snapshots } = facts
  const isRecent = (at: Instant) => at <= now && now - at <= backupMaxAgeMs
  const [newest] = backups
    .filter((backup) => backup.status?.phase === 'Completed' && covers(backup, namespace))
    .map(({ metadata, status }) => ({
      reference: `Backup ${metadata.name}`,
      takenAt: instantOf(status?.completionTimestamp),
    }))
    .filter(({ takenAt }) => isRecent(takenAt))
    .toSorted((one, other) => other.takenAt - one.takenAt)
  if (newest !== undefined) return { kind: 'found', ...newest }
  const usable = snapshots.filter(
    ({ status }) => status?.readyToUse === true && isRecent(instantOf(status.creationTime)),
  )
  const bare = claims.filter((claim) => !usable.some((each) => sourceOf(each) === claim))
  if (bare.length > 0) {
    return { kind: 'missing', detail: 'no complete backup or snapshot of the last 24 hours', claims: bare }
  }
  const mine = usable.filter((each) => claims.includes(sourceOf(each) ?? ''))
  const takenAt = Math.min(...claims.map((claim) => newestOf(mine.filter((each) => sourceOf(each) === claim))))
  return { kind: 'found', reference: mine.map(({ metadata }) => `VolumeSnapshot ${metadata.name}`).join(', '), takenAt }
}

const newestOf = (snapshots: readonly Snapshot[]): Instant =>
  Math.max(...snapshots.map(({ status }) => instantOf(status?.creationTime)))
const sourceOf = ({ spec }: Snapshot): string | undefined => spec?.source?.persistentVolumeClaimName
const instantOf = (text: string | undefined): Instant => Date.parse(text ?? '') || 0

function covers({ spec = {} }: Backup, namespace: string): boolean {
  const { includedNamespaces = [], excludedNamespaces = [] } = spec
  const included =
    includedNamespaces.length === 0 || includedNamespaces.includes('*') || includedNamespaces.includes(namespace)
  return included && !excludedNamespaces.includes(namespace)
}

/** Which claims of a namespace belong to a release: its own, those that its pods name, those of its StatefulSets. Pure. */
export function claimTest(objects: readonly Rendered[]): (claim: string) => boolean {
  const own = objects.filter(({ kind, isHook }) => kind === 'PersistentVolumeClaim' && !isHook).map(({ name }) => name)
  const named = objects.flatMap(({ body, isHook }) =>
    isHook ? [] : claimNames(within(body, 'spec', 'template', 'spec')),
  )
  const known = new Set([...own, ...named])
  const patterns = objects.flatMap((each) => (each.isHook ? [] : (claimsOfSet(each) ?? [])))
  return (claim) => known.has(claim) || patterns.some((pattern) => pattern.test(claim))
}
