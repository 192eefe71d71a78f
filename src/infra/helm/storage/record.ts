import type { JsonObject } from '../../../core/json.ts'

/** Helm's words for the state of a revision. */
export const helmStatuses = [
  'unknown',
  'deployed',
  'uninstalled',
  'superseded',
  'failed',
  'uninstalling',
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
] as const
export type HelmStatus = (typeof helmStatuses)[number]

/** One revision of a release, as Helm keeps it. */
export type ReleaseRecord = {
  readonly name: string
  readonly namespace: string
  readonly version: number
  readonly info: ReleaseInfo
  readonly chart: RecordedChart
  /** The values that the user gave. */
  readonly config: JsonObject
  readonly manifest: string
  readonly hooks: readonly JsonObject[]
  /** How its objects are applied; older helms wrote nothing and patched on the client's side. */
  readonly applyMethod: 'ssa' | 'csa' | null
}

export type ReleaseInfo = {
  readonly status: HelmStatus
  readonly description: string
  readonly firstDeployed: string | null
  readonly lastDeployed: string | null
}

export type RecordedChart = {
  readonly metadata: { readonly name: string; readonly version: string; readonly appVersion: string | null }
  /** The chart as helm wrote it: metadata, templates, values, schema, files, lock. */
  readonly content: JsonObject
}

/** A record with what is needed to write it back: the decoded JSON as it was, and the Secret around it. */
export type StoredRecord = {
  readonly record: ReleaseRecord
  readonly uid: string
  readonly resourceVersion: string
  /** The labels that are not helm's own. */
  readonly labels: Readonly<Record<string, string>>
  readonly secret: JsonObject
  readonly raw: JsonObject
}

/** What the metadata of a release Secret alone tells. */
export type RecordMetadata = {
  readonly name: string
  readonly namespace: string
  readonly version: number
  readonly status: HelmStatus
  readonly uid: string
  readonly resourceVersion: string
  readonly createdAt: string
  readonly operationId: string | null
}

/** A Secret that is named or labelled as a record and is none, or one that cannot be read. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError'
}

/** PostgreSQL keeps revisions as int4, and helm never comes near its end. */
const mostRevisions = 2 ** 31 - 1
export const isRevision = (version: number): boolean =>
  Number.isInteger(version) && version >= 1 && version <= mostRevisions
export const isHelmStatus = (word: string): word is HelmStatus => (helmStatuses as readonly string[]).includes(word)
export const isPending = (status: HelmStatus): boolean => status.startsWith('pending-')
export const recordName = (release: string, version: number): string => `sh.helm.release.v1.${release}.v${version}`
