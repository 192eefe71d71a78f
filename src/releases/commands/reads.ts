import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { maySee } from '../../tenants/index.ts'
import type { ReleaseDeps } from '../deps.ts'
import { shownWith } from '../shown.ts'
import { historyOf, recentValues, revisionContent } from '../store/queries.ts'
import { historyView } from '../views.ts'
import { noSuchRelease } from './context.ts'
import type { ReleaseRead } from './release-reads.ts'
import { revisionUnderWay } from './running.ts'

/** One release as callers see it. Throws `Problem` not_found. */
export async function readRelease(deps: ReleaseDeps, principal: Principal, id: Uuid) {
  const release = await visible(deps, principal, id)
  return (await release.answer()).value
}

/** The same as the answer to a request. */
export function answerRelease(deps: ReleaseDeps, principal: Principal, id: Uuid) {
  return visible(deps, principal, id).then((release) => release.answer())
}

function visible(deps: ReleaseDeps, principal: Principal, id: Uuid): Promise<ReleaseRead> {
  return deps.readOne(id).then((release) => {
    if (release === undefined || !maySee(principal, release.row.tenant_id)) throw noSuchRelease(id)
    return release
  })
}

/** Every revision, newest first, also the one that helm is making now. Throws `Problem` not_found. */
export async function readHistory(deps: ReleaseDeps, principal: Principal, id: Uuid) {
  const { row } = await visible(deps, principal, id)
  const running = row.current_operation_id === null ? null : await underWay(deps, id)
  const mirrored = await historyOf(deps.db, id)
  const isKnown = mirrored.some(({ revision }) => revision === running?.revision)
  const revisions = running === null || isKnown ? mirrored : [running, ...mirrored]
  return revisions.map((revision) => historyView(revision, row.revision))
}

async function underWay(deps: ReleaseDeps, id: Uuid) {
  const state = await deps.states.load(deps.db, id)
  return state === null ? null : revisionUnderWay(deps, state)
}

/** Values and manifest of a revision, redacted. Throws `Problem` not_found, revision_not_found. */
export async function readRevision(deps: ReleaseDeps, principal: Principal, id: Uuid, revision: number) {
  const { row } = await visible(deps, principal, id)
  const content = await revisionContent(deps.db, deps.vault, id, revision)
  if (content === null) throw new Problem('revision_not_found', `the release has no revision ${revision}`)
  const values = [content.values, ...(await recentValues(deps.db, deps.vault, id))]
  const shown = await shownWith(deps.ports.charts, row.chart_digests, values)
  return {
    revision,
    chartVersion: content.chartVersion,
    status: content.verdict,
    values: await shown.values(content.values),
    manifest: shown.manifests([content.manifest]).join(''),
  }
}
