import { createHmac } from 'node:crypto'
import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'
import { canonicalJson, type JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { AccessRefused, ManifestError } from '../../infra/kubernetes/index.ts'
import { bothMasks, showAll } from '../../infra/secrets/mask.ts'
import type { FieldConflict, Release, ReleaseState } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { whyUnreadable } from '../observe.ts'
import { saysElse, secretsMask } from '../redact.ts'
import { renderUpgrade } from '../render-upgrade.ts'
import { type KnownCharts, knownOf, type Shown, shownWith } from '../shown.ts'
import { shownConflict } from '../shown-conflict.ts'
import { recentValues, revisionContent } from '../store/queries.ts'
import { type Compared, comparedRevision } from './compared.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { type PreparedUpgrade, prepareUpgrade, type UpgradeBody } from './upgrade.ts'

/** Two sides of a change as unified diffs, redacted. `hash` is keyed, of what they were made of: nobody can guess by it. */
export type Diff = { readonly values: string; readonly manifest: string; readonly hash: string }

/** What an upgrade would change, and the fields that it would not get without `forceConflicts`. */
export type UpgradePreview = Diff & { readonly conflicts: FieldConflict[] }

type Side = {
  readonly name: string
  readonly values: JsonObject
  readonly manifest: string
}

/** What an upgrade would change of the revision that helm compares with; nothing is changed. Rendered without a cluster, so `lookup` finds nothing. */
export async function previewUpgrade(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: UpgradeBody,
): Promise<UpgradePreview> {
  const prepared = await prepareUpgrade(deps, call, id, body)
  const { release } = prepared.state
  const { manifest } = await renderUpgrade(deps, release, prepared.chart.digest, prepared.values)
  const { before, after, beneath } = await sidesOf(deps, prepared, manifest)
  const shown = await shownIn(deps, prepared.state, [prepared.chart.digest, beneath], [before.values, after.values])
  const found = await conflictsOf(deps, release, manifest)
  const secret = found.length === 0 ? showAll : secretsMask([before.manifest, after.manifest])
  const conflicts = found.map((each) => shownConflict(each, bothMasks(shown.mask, secret)))
  return { ...(await compare(deps, before, after, shown, forced(body, found))), conflicts }
}

/** The fields of other hands that an upgrade takes. */
const forced = ({ forceConflicts }: UpgradeBody, found: readonly FieldConflict[]): readonly FieldConflict[] =>
  forceConflicts === true ? found : []

/** How a release is shown beside what may become of it. */
async function shownIn(
  deps: ReleaseDeps,
  state: ReleaseState,
  charts: KnownCharts,
  values: readonly JsonObject[],
): Promise<Shown> {
  const known = knownOf(state)
  const recent = await recentValues(deps.db, deps.vault, state.release.id)
  return shownWith(deps.ports.charts, [...known.charts, ...charts], [...known.values, ...recent, ...values])
}

/** Throws `Problem` cluster_unavailable, chart_render_failed, not_permitted. */
export async function conflictsOf(
  { ports }: Pick<ReleaseDeps, 'ports'>,
  release: Pick<Release, 'clusterId' | 'namespace' | 'tenantId'>,
  manifest: string,
): Promise<FieldConflict[]> {
  try {
    return [...(await ports.clusters.of(release.clusterId).conflicts(manifest, release))]
  } catch (error) {
    if (error instanceof ManifestError) throw new Problem('chart_render_failed', error.message)
    if (error instanceof AccessRefused) throw new Problem('not_permitted', error.message)
    // It throws what is no matter of the cluster.
    throw new Problem('cluster_unavailable', whyUnreadable(error))
  }
}

/**
 * Throws `Problem` diff_changed when an upgrade is not the one that was previewed: where it takes the fields of other hands,
 * also when these are other fields or hold something else by now (docs/adr/0071), and what `conflictsOf` throws.
 */
export async function requireDiff(
  deps: ReleaseDeps,
  prepared: PreparedUpgrade,
  body: UpgradeBody,
  hash: string,
): Promise<void> {
  const { release } = prepared.state
  const { manifest } = await renderUpgrade(deps, release, prepared.chart.digest, prepared.values)
  const { before, after } = await sidesOf(deps, prepared, manifest)
  const taken = body.forceConflicts === true ? await conflictsOf(deps, release, manifest) : []
  const now = hashOf(deps, before, after, taken)
  if (now !== hash)
    throw new Problem('diff_changed', 'the upgrade would now change something else', { extra: { hash: now } })
}

async function sidesOf(deps: ReleaseDeps, { state, chart, values }: PreparedUpgrade, manifest: string) {
  const compared = await comparedIn(deps, state)
  const before: Side = { name: `revision ${compared.revision}`, values: compared.values, manifest: compared.manifest }
  const after: Side = { name: `upgrade to ${chart.version}`, values, manifest }
  return { before, after, beneath: compared.chartDigest }
}

/** What helm goes by is in its records: a revision of ours that failed may be deployed to helm, or not. Throws `Problem` cluster_unavailable. */
async function comparedIn(deps: ReleaseDeps, state: ReleaseState): Promise<Compared> {
  const none: Compared = { revision: state.release.revision, values: {}, manifest: '', chartDigest: null }
  try {
    return (await comparedRevision(deps, state)) ?? none
  } catch (error) {
    throw new Problem('cluster_unavailable', whyUnreadable(error))
  }
}

/** The difference of two revisions that are mirrored. Throws `Problem` revision_not_found. */
export async function diffRevisions(
  deps: ReleaseDeps,
  call: Pick<CommandCall, 'principal'>,
  id: Uuid,
  from: number,
  to: number,
): Promise<Diff> {
  const state = await visibleRelease(deps, call.principal, id)
  const sides = await Promise.all([from, to].map((revision) => sideOf(deps, state.release.id, revision)))
  const [before, after] = sides as [Side, Side]
  return compare(deps, before, after, await shownIn(deps, state, [], [before.values, after.values]))
}

async function sideOf(deps: ReleaseDeps, releaseId: Uuid, revision: number): Promise<Side> {
  const content = await revisionContent(deps.db, deps.vault, releaseId, revision)
  if (content === null) throw new Problem('revision_not_found', `the release has no revision ${revision}`)
  return { name: `revision ${revision}`, values: content.values as JsonObject, manifest: content.manifest }
}

async function compare(
  deps: ReleaseDeps,
  before: Side,
  after: Side,
  shown: Shown,
  taken: readonly FieldConflict[] = [],
): Promise<Diff> {
  const values = await Promise.all([before, after].map((side) => shown.values(side.values)))
  const [valuesBefore, valuesAfter] = values.map((each) => stringify(each, { sortMapEntries: true })) as [
    string,
    string,
  ]
  const names = [before.name, after.name] as const
  const manifests = shown.manifests([before.manifest, after.manifest]) as Pair
  return {
    values: patch(
      names,
      [valuesBefore, valuesAfter],
      () => canonicalJson(before.values) !== canonicalJson(after.values),
    ),
    manifest: patch(names, manifests, () => saysElse(before.manifest, after.manifest)),
    hash: hashOf(deps, before, after, taken),
  }
}

/** Of the values, not of the order in which they were sent, nor of that in which the cluster names what is taken by force. */
function hashOf({ previewKey }: ReleaseDeps, before: Side, after: Side, taken: readonly FieldConflict[]): string {
  const fields = taken.map(({ object, field, manager, live, wanted }) =>
    canonicalJson([object, field, manager, live, wanted]),
  )
  const parts = [before.manifest, before.values, after.manifest, after.values, fields.sort()]
  return createHmac('sha256', previewKey).update(canonicalJson(parts)).digest('hex')
}

/** A change of which nothing may be shown is said to be one: whoever approves it must not take it for none. */
const onlyHidden = '# only what is not shown differs\n'

type Pair = readonly [string, string]

function patch(names: Pair, [from, to]: Pair, differs: () => boolean): string {
  if (from !== to) return createTwoFilesPatch(...names, from, to, undefined, undefined, { context: 3 })
  return differs() ? createTwoFilesPatch(...names, from, to) + onlyHidden : ''
}
