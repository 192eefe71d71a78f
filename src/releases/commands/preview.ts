import { createHmac } from 'node:crypto'
import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'
import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { ManifestError } from '../../infra/kubernetes/index.ts'
import type { FieldConflict, Release } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { whyUnreadable } from '../observe.ts'
import { redactManifest } from '../redact.ts'
import { renderUpgrade } from '../render-upgrade.ts'
import { shownValues } from '../shown-values.ts'
import { revisionContent } from '../store/queries.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { type PreparedUpgrade, prepareUpgrade, type UpgradeBody } from './upgrade.ts'

/** Two sides of a change as unified diffs, redacted. `hash` is keyed, of what they were made of: nobody can guess by it. */
export type Diff = { readonly values: string; readonly manifest: string; readonly hash: string }

/** What an upgrade would change, and the fields that it would not get without `forceConflicts`. */
export type UpgradePreview = Diff & { readonly conflicts: FieldConflict[] }

type Side = {
  readonly name: string
  readonly digest: string | null
  readonly values: JsonObject
  readonly manifest: string
}
/** The side before, with the charts of all revisions: what one of them marks as secret stays so. */
type Before = Side & { readonly others: readonly (string | null)[] }

/** What an upgrade would change; nothing is changed. Rendered without a cluster, so `lookup` finds nothing. */
export async function previewUpgrade(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: UpgradeBody,
): Promise<UpgradePreview> {
  const prepared = await prepareUpgrade(deps, call, id, body)
  const { release } = prepared.state
  const { manifest } = await renderUpgrade(deps, release, prepared.chart.digest, prepared.values)
  return { ...(await diffOf(deps, prepared, manifest)), conflicts: await conflictsOf(deps, release, manifest) }
}

/** Throws `Problem` cluster_unavailable, chart_render_failed. */
export async function conflictsOf(
  { ports }: Pick<ReleaseDeps, 'ports'>,
  { clusterId, namespace }: Pick<Release, 'clusterId' | 'namespace'>,
  manifest: string,
): Promise<FieldConflict[]> {
  try {
    return [...(await ports.clusters.of(clusterId).conflicts(manifest, namespace))]
  } catch (error) {
    if (error instanceof ManifestError) throw new Problem('chart_render_failed', error.message)
    // It throws what is no matter of the cluster.
    throw new Problem('cluster_unavailable', whyUnreadable(error))
  }
}

/** Throws `Problem` diff_changed when an upgrade is not the one that was previewed. */
export async function requireDiff(deps: ReleaseDeps, prepared: PreparedUpgrade, hash: string): Promise<void> {
  const { release } = prepared.state
  const { manifest } = await renderUpgrade(deps, release, prepared.chart.digest, prepared.values)
  const now = await diffOf(deps, prepared, manifest)
  if (now.hash !== hash)
    throw new Problem('diff_changed', 'the upgrade would now change something else', { extra: { hash: now.hash } })
}

async function diffOf(deps: ReleaseDeps, { state, chart, values }: PreparedUpgrade, manifest: string): Promise<Diff> {
  const { release } = state
  const current = await revisionContent(deps.db, deps.vault, release.id, release.revision)
  const before: Before = {
    name: `revision ${release.revision}`,
    others: state.revisions.map(({ chartDigest }) => chartDigest),
    digest: current?.chartDigest ?? null,
    values: (current?.values ?? {}) as JsonObject,
    manifest: current?.manifest ?? '',
  }
  return compare(deps, before, { name: `upgrade to ${chart.version}`, digest: chart.digest, values, manifest })
}

/** The difference of two revisions that are mirrored. Throws `Problem` revision_not_found. */
export async function diffRevisions(
  deps: ReleaseDeps,
  call: Pick<CommandCall, 'principal'>,
  id: Uuid,
  from: number,
  to: number,
): Promise<Diff> {
  const { release, revisions } = await visibleRelease(deps, call.principal, id)
  const sides = await Promise.all([from, to].map((revision) => sideOf(deps, release.id, revision)))
  const [before, after] = sides as [Side, Side]
  return compare(deps, { ...before, others: revisions.map(({ chartDigest }) => chartDigest) }, after)
}

async function sideOf(deps: ReleaseDeps, releaseId: Uuid, revision: number): Promise<Side> {
  const content = await revisionContent(deps.db, deps.vault, releaseId, revision)
  if (content === null) throw new Problem('revision_not_found', `the release has no revision ${revision}`)
  const { values, manifest, chartDigest } = content
  return { name: `revision ${revision}`, digest: chartDigest, values: values as JsonObject, manifest }
}

async function compare(deps: ReleaseDeps, before: Before, after: Side): Promise<Diff> {
  const digests = [before.digest, after.digest, ...before.others]
  const shown = await Promise.all([before, after].map(({ values }) => shownValues(deps.ports.charts, digests, values)))
  const [valuesBefore, valuesAfter] = shown.map((values) => stringify(values)) as [string, string]
  return {
    values: patch(before, after, valuesBefore, valuesAfter),
    manifest: patch(before, after, redactManifest(before.manifest), redactManifest(after.manifest)),
    hash: createHmac('sha256', deps.previewKey)
      .update(JSON.stringify([before.manifest, before.values, after.manifest, after.values]))
      .digest('hex'),
  }
}

function patch(before: Side, after: Side, from: string, to: string): string {
  return from === to ? '' : createTwoFilesPatch(before.name, after.name, from, to, undefined, undefined, { context: 3 })
}
