import type { Uuid } from '../core/subject.ts'
import { ActFailed } from '../infra/engine/index.ts'
import { beginningOf, type Mask, maskedSaying, maskedTexts, mostDetail, showAll } from '../infra/secrets/mask.ts'
import type { HelmRevision, Present, ReleaseObservation, ReleaseState, Remains } from './core/model.ts'
import type { ReleaseDeps } from './deps.ts'
import type { Charts } from './ports.ts'
import { knownOf, shownWith } from './shown.ts'
import { shownConflict } from './shown-conflict.ts'
import { shownEvidence } from './shown-evidence.ts'

/*
 * What a machine is told becomes what callers are told: details of failures, waits, descriptions, leftovers, evidence.
 * So it is masked where it comes in, before anything of it is kept.
 */

/** How everything that is said of a release is shown; `seen` brings values that the state does not know yet. */
export async function maskOfState(
  charts: Charts,
  state: ReleaseState,
  seen: readonly HelmRevision[] = [],
): Promise<Mask> {
  const known = knownOf(state)
  const digests = [...known.charts, ...seen.map(({ chartDigest }) => chartDigest)]
  return (await shownWith(charts, digests, [...known.values, ...seen.map(({ values }) => values)])).mask
}

/** How everything that is said of a stored release is shown; of one that is not there, as it is. */
export async function maskOfRelease(
  { db, states, ports }: Pick<ReleaseDeps, 'db' | 'states' | 'ports'>,
  id: Uuid,
): Promise<Mask> {
  const state = await states.load(db, id)
  return state === null ? showAll : maskOfState(ports.charts, state)
}

/** An observation as it may be kept. Whatever text is new in one is masked too, unless it is excepted here. */
export async function shownObservation(
  charts: Charts,
  state: ReleaseState,
  seen: ReleaseObservation,
): Promise<ReleaseObservation> {
  if (seen.kind === 'unreadable') return seen
  if (seen.kind === 'absent') {
    if (seen.remains === null) return seen
    return { ...seen, remains: shownRemains(seen.remains, await maskOfState(charts, state)) }
  }
  if (saysNothing(seen)) return seen
  const { newest, unknown, stored, remains, evidence, ...told } = seen
  const mask = await maskOfState(charts, state, [newest, ...unknown])
  const describe = (revision: HelmRevision) => ({ ...revision, description: mask(revision.description) })
  const shown = { ...maskedTexts(told, mask), kind: seen.kind, evidence: shownEvidence(evidence, mask) }
  // Pods are deleted by their names.
  const { readiness } = told
  const blockers = (readiness?.blockers ?? []).map((each) => maskedSaying(each, mask))
  const kept = readiness === null ? null : { ...readiness, blockers }
  const left = remains === null ? null : shownRemains(remains, mask)
  const leftByHook = told.leftByHook === null ? null : maskedSaying(told.leftByHook, mask)
  const described = { newest: describe(newest), unknown: unknown.map(describe) }
  return {
    ...shown,
    readiness: kept,
    remains: left,
    leftByHook,
    ...described,
    stored,
    overwritten: shownFields(told.overwritten, mask),
  }
}

function shownFields(seen: Present['overwritten'], mask: Mask): Present['overwritten'] {
  return seen === null ? null : { ...seen, fields: seen.fields.map((field) => shownConflict(field, mask)) }
}

function shownRemains({ evidence, ...remains }: Remains, mask: Mask): Remains {
  const shown = maskedTexts(remains, mask)
  return evidence === undefined ? shown : { ...shown, evidence: shownEvidence(evidence, mask) }
}

function saysNothing({ newest, unknown, readiness, remains, evidence, leftByHook, overwritten }: Present): boolean {
  const told =
    [readiness, remains, evidence, leftByHook].some((each) => each !== null) || (overwritten?.fields.length ?? 0) > 0
  return !told && [newest, ...unknown].every(({ description }) => isPlain(description))
}

/** The revisions of a release that nothing is known of yet, as they may be kept. */
export async function shownHistory(charts: Charts, history: readonly HelmRevision[]): Promise<readonly HelmRevision[]> {
  const digests = history.map(({ chartDigest }) => chartDigest)
  const { mask } = await shownWith(
    charts,
    digests,
    history.map(({ values }) => values),
  )
  return history.map((revision) => ({ ...revision, description: mask(revision.description) }))
}

/** A failure of an act as it may be kept. */
export function shownFailure({ result, failure }: ActFailed, mask: Mask): ActFailed {
  const { detail, evidence } = failure
  const shown = evidence === undefined ? {} : { evidence: shownEvidence(evidence, mask) }
  return new ActFailed(result, { ...failure, detail: beginningOf(mask(detail), mostDetail), ...shown })
}

/** Helm's own words for what went well: most looks find nothing else, and need no values. */
const isPlain = (description: string): boolean =>
  /^(?:|(?:Install|Upgrade) complete|Initial install underway|Preparing upgrade|Rollback to \d+|Deletion in progress.*)$/.test(
    description,
  )
