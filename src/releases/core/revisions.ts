import type { Uuid } from '../../core/subject.ts'
import type {
  HelmRevision,
  HelmStatus,
  ReleaseState,
  ReleaseStatus,
  RevisionRecord,
  RevisionSummary,
  StoredRevision,
  Verdict,
} from './model.ts'

/**
 * What the status of Helm's newest revision says of its release; null where it says nothing of the kind
 * (`uninstalling` keeps what was there, `superseded` proves nothing).
 */
export function statusOfHelm(status: HelmStatus): ReleaseStatus | null {
  return releaseStatusOf[status]
}

const releaseStatusOf: Readonly<Record<HelmStatus, ReleaseStatus | null>> = {
  deployed: 'DEPLOYED',
  failed: 'FAILED',
  uninstalled: 'UNINSTALLED',
  'pending-install': 'PENDING_INSTALL',
  'pending-upgrade': 'PENDING_UPGRADE',
  'pending-rollback': 'PENDING_ROLLBACK',
  uninstalling: null,
  superseded: null,
  unknown: null,
}

/**
 * What a superseded revision says of itself that has not ended well. A failure of helm's takes the place of whatever
 * description was asked for, and so does a settling of ours (docs/adr/0064).
 */
const endedIll = [
  /^Initial install underway$|^Preparing upgrade$/,
  /^(?:Release|Upgrade|Rollback) ".*" failed: /,
  /^failed: |^settled by |; settled by Flotilla$/,
]

/** What helm says of what was uninstalled with its history kept, until something is installed over it and after. */
const uninstalledOnce = ['Uninstallation complete', 'superseded by new release']

/** How a revision's operation ended. A superseded one is judged by its description (SPEC section 3: `superseded` proves nothing). */
export function verdictOf(revision: HelmRevision): Verdict {
  const status = statusOfHelm(revision.status)
  if (status !== null) return status
  if (revision.status === 'superseded') return verdictOfSuperseded(revision.description)
  return revision.status === 'uninstalling' ? 'DEPLOYED' : 'FAILED'
}

function verdictOfSuperseded(description: string): Verdict {
  if (uninstalledOnce.includes(description)) return 'UNINSTALLED'
  return endedIll.some((pattern) => pattern.test(description)) ? 'FAILED' : 'DEPLOYED'
}

/** How a revision of a history ended: only the newest can still be under way. */
export function verdictAmong(verdict: Verdict, isNewest: boolean): Verdict {
  return verdict.startsWith('PENDING_') && !isNewest ? 'FAILED' : verdict
}

/** Descriptions by which Helm says that a revision is under way; they say nothing once it has ended. */
const underWay = [/^Initial install underway$/, /^Preparing upgrade$/, /^Deletion in progress/]

/** True for a description that Helm gives to what has not ended. */
export function isUnderWay(description: string | null): boolean {
  return underWay.some((pattern) => pattern.test(description ?? ''))
}

/** True for the description by which Helm says that it has applied everything: workloads may not be ready then. */
export function saysComplete(description: string | null): boolean {
  return /^(?:Install|Upgrade) complete$/.test(description ?? '')
}

/** Who is behind a revision that is mirrored. */
export type Author = {
  readonly performedBy: string
  readonly operationId: Uuid | null
  readonly chartDigest: string | null
  readonly description?: string | null
}

/** Who made a revision that carries no operation of ours. */
export const external = { performedBy: 'external', operationId: null, chartDigest: null } as const

/** The mirror of a Helm revision. */
export function recordOf(revision: HelmRevision, author: Author): RevisionRecord {
  return {
    revision: revision.revision,
    secretUid: revision.secretUid,
    operationId: author.operationId,
    verdict: verdictOf(revision),
    chart: revision.chart,
    chartVersion: revision.chartVersion,
    chartDigest: author.chartDigest ?? revision.chartDigest,
    appVersion: revision.appVersion,
    description: author.description ?? revision.description,
    performedBy: author.performedBy,
    createdAt: revision.deployedAt,
    content: { values: revision.values, manifest: revision.manifest, hooks: revision.hooks },
  }
}

/** The revision that helm compares an upgrade with: its newest that is deployed, else its newest; null where it has none. */
export function comparedWith(stored: readonly Pick<StoredRevision, 'revision' | 'status'>[]): number | null {
  const deployed = stored.filter(({ status }) => status === 'deployed')
  const candidates = deployed.length > 0 ? deployed : stored
  return candidates.length === 0 ? null : Math.max(...candidates.map(({ revision }) => revision))
}

/** The newest revision before the current one that ended DEPLOYED (SPEC section 3, last-successful); null when there is none. */
export function lastSuccessful(state: ReleaseState): RevisionSummary | null {
  const earlier = state.revisions.filter((r) => r.revision < state.release.revision && r.verdict === 'DEPLOYED')
  return earlier.at(-1) ?? null
}

/**
 * The revision that brings a chart version back: of those up to `found`, the newest of that version that ended DEPLOYED.
 * A frozen fleet may run a version that never did: then the newest of that version, and without one `found` itself, if
 * `orFound`; else null.
 */
export function revisionToReturnTo(
  revisions: readonly RevisionSummary[],
  {
    chartVersion,
    found,
    orFound,
  }: { readonly chartVersion: string; readonly found: number; readonly orFound: boolean },
): number | null {
  const ofVersion = revisions.filter((one) => one.revision <= found && one.chartVersion === chartVersion)
  const deployed = ofVersion.filter(({ verdict }) => verdict === 'DEPLOYED')
  return (deployed.at(-1) ?? ofVersion.at(-1))?.revision ?? (orFound ? found : null)
}

/** The state as it is loaded again after it was saved: what was to be mirrored is now among the revisions. */
export function withMirror(state: ReleaseState): ReleaseState {
  const replaced = new Set(state.mirrored.map((record) => record.secretUid))
  const kept = state.revisions.filter((revision) => !replaced.has(revision.secretUid))
  const revisions = [...kept, ...state.mirrored].sort((a, b) => a.revision - b.revision)
  return { ...state, revisions, mirrored: [] }
}

/**
 * History says of the last revision that its release was uninstalled, and of who made it and why what it said before: the uninstall is
 * the release's (docs/adr/0070).
 */
export function uninstalledRevision(state: ReleaseState): readonly RevisionRecord[] {
  const last = state.revisions.at(-1)
  if (last === undefined) return []
  const description = isUnderWay(last.description) ? null : last.description
  return [{ ...last, verdict: 'UNINSTALLED', description, content: null }]
}
