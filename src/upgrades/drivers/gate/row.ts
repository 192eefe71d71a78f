import type { Instant } from '../../../core/instant.ts'
import type { Uuid } from '../../../core/subject.ts'
import type { GatePosition } from '../../core/model.ts'
import type { Fields, GateRow, GateState, Hashes, Originals } from '../../store/gate-row.ts'
import { notedOriginals, renderedBeneath } from './annotation.ts'
import { omit } from './json.ts'
import { markOf } from './mark.ts'
import type { GateKind, Workload } from './model.ts'
import { ownedByHelm } from './ownership.ts'

/** What is asked of a gate, and by whom. */
export type GateGoal = {
  readonly position: GatePosition
  readonly clusterId: Uuid
  readonly releaseId: Uuid
  readonly executionId: Uuid
  /** The versions that the execution goes between. */
  readonly versions: { readonly from: string; readonly to: string }
  /** Helm is about to go back to the previous version: what that one had is to be put back. */
  readonly goesBack: boolean
  /** Helm has run for the execution, or may have. */
  readonly deployed: boolean
  readonly role: GateState['role']
  readonly take: readonly string[]
  /** Every instance has passed on the target version. */
  readonly passed: boolean
  /** The hash of the present template's pods; null: not known. */
  readonly current: string | null
  /** The hash of the pods of what helm has applied, or may be about to (`targetHash`); null: not known. */
  readonly applies: string | null
  /** The lowest place from which on all pods are of the present template; null where none is, or places keep no version. */
  readonly movedFrom: number | null
  /** What is known of the hashes of versions before anything was noted. */
  readonly hashes: Hashes
  /** The present template is the target's already: an upgrade that failed has applied it. */
  readonly applied: boolean
  readonly epoch: bigint
  readonly now: Instant
}

/**
 * The row that is committed before the workload is brought into a position. Asked again with what it answered, it
 * answers the same. Originals are noted once; after helm may have run they follow what helm has rendered. Pure.
 */
export function rowFor(kind: GateKind, live: Workload, row: GateRow | null, goal: GateGoal): GateRow {
  const begun =
    row === null || isOver(row, goal) ? newRow(kind, live, goal) : takeOver(kind, live, ofThis(kind, live, row), goal)
  return advance(kind, live, givesBack(begun, goal) ?? begun, goal)
}

/** A gate that was taken off, by an execution that has ended: what is there now are originals again. */
function isOver({ executionId, state }: GateRow, goal: GateGoal): boolean {
  return state.position.kind === 'none' && executionId !== goal.executionId
}

function newRow(kind: GateKind, live: Workload, goal: GateGoal): GateRow {
  const { metadata } = live
  const noted = notedOriginals(live)
  const now = kind.fields(live)
  const fields = noted === null ? now : kind.fields({ ...live, spec: noted })
  return {
    clusterId: goal.clusterId,
    workloadUid: metadata.uid ?? '',
    executionId: goal.executionId,
    releaseId: goal.releaseId,
    namespace: metadata.namespace ?? '',
    kind: kind.kind,
    name: metadata.name,
    originals: { before: fields, current: fields, owned: ownedByHelm(live, fields, {}, {}), services: [] },
    state: {
      position: { kind: 'none' },
      role: goal.role,
      hashes: goal.hashes,
      ...sidesFound(goal),
      ...(noted === null ? { wrote: {} } : carriedOn(now)),
      take: [],
      ...{ takenFrom: null, asFound: null },
    },
    createdAt: goal.now,
  }
}

function sidesFound({ applied, current, hashes, versions }: GateGoal): Pick<GateState, 'previous' | 'target'> {
  return applied ? { previous: hashes[versions.from] ?? null, target: current } : { previous: current, target: null }
}

/**
 * A row of the object that was there before, where the one that has come in its place carries our note. What it says of our
 * fields is ours, and may be of any time at which it was copied.
 */
function ofThis(kind: GateKind, live: Workload, row: GateRow): GateRow {
  const { uid = '' } = live.metadata
  if (uid === row.workloadUid) return row
  const state = { ...row.state, take: [], ...carriedOn({ ...row.state.wrote, ...kind.fields(live) }) }
  return { ...row, workloadUid: uid, state }
}

const carriedOn = (wrote: Fields): Pick<GateState, 'wrote' | 'replaced'> => ({ wrote, replaced: true })

/** Another execution's frozen gate: its originals stay, the sides are those of the versions that run. */
function takeOver(kind: GateKind, live: Workload, row: GateRow, goal: GateGoal): GateRow {
  if (row.executionId === goal.executionId) return row
  const { hashes } = row.state
  const { from, to } = goal.versions
  const sides = { previous: hashes[from] ?? goal.current, target: hashes[to] ?? null }
  const state = {
    ...row.state,
    ...sides,
    role: goal.role,
    takenFrom: row.executionId,
    asFound: row.state.asFound ?? kind.fields(live),
  }
  return { ...row, executionId: goal.executionId, releaseId: goal.releaseId, state }
}

/**
 * An execution that ends before helm ran leaves a frozen workload as it found it: frozen, and the other's. Taken off, it
 * is off: another hand's change is to take effect.
 */
function givesBack(row: GateRow, goal: GateGoal): GateRow | null {
  const { takenFrom } = row.state
  if (takenFrom === null || goal.deployed || goal.position.kind !== 'frozen') return null
  const state: GateState = { ...row.state, position: { kind: 'frozen' }, takenFrom: null }
  return { ...row, executionId: takenFrom, state }
}

function advance(kind: GateKind, live: Workload, row: GateRow, goal: GateGoal): GateRow {
  if (row.executionId !== goal.executionId) return row
  const { position } = goal
  const originals = originalsFor(kind, live, row, goal)
  const wrote = position.kind === 'none' ? {} : { ...row.state.wrote, ...kind.ours(position) }
  const found = goal.deployed ? { takenFrom: null, asFound: null } : {}
  const { reverted: _, movedFrom: __, template: ___, ...known } = row.state
  const sided = {
    ...known,
    ...sidesFor(known, goal),
    position,
    wrote,
    take: goal.take,
    ...found,
    ...wayBack(row.state, position),
    ...asMoved(row.state, goal),
    ...templateOf(live, row.state, goal),
  }
  const state = position.kind === 'frozen' ? { ...sided, passed: passedSets(sided, goal) } : sided
  return { ...row, originals, state }
}

/** What is frozen stays on the way back that it was on; any other position is none. */
function wayBack({ reverted }: GateState, { kind }: GatePosition): Pick<GateState, 'reverted'> {
  return kind === 'reverting' || (kind === 'frozen' && reverted === true) ? { reverted: true } : {}
}

/**
 * What was halted so that helm may go back, and is frozen before it has: which places keep the target version is not told by
 * fields any more.
 */
function asMoved(state: GateState, { position, current, movedFrom }: GateGoal): Pick<GateState, 'movedFrom'> {
  if (position.kind !== 'frozen') return {}
  const isBefore = state.position.kind === 'halted' && current !== null && current === state.target
  const from = isBefore ? movedFrom : state.position.kind === 'frozen' ? (state.movedFrom ?? null) : null
  return from === null ? {} : { movedFrom: from }
}

/**
 * What another hand makes of the template of a frozen workload is told by this (docs/adr/0067): noted once, and kept as long as no
 * helm of an execution has run since. One of a release may fail, and leaves it frozen; what it has applied is another template.
 */
function templateOf(live: Workload, { position, template }: GateState, goal: GateGoal): Pick<GateState, 'template'> {
  const { kind } = goal.position
  if (kind === 'frozen' && (position.kind !== 'frozen' || template === undefined)) return { template: markOf(live) }
  const isKept = kind === 'frozen' || kind === 'halted' || (!goal.deployed && kind !== 'none')
  return isKept && template !== undefined ? { template } : {}
}

/** What runs before an upgrade has passed once; the new set has when all of it did. */
function passedSets({ previous, target }: GateState, { passed }: GateGoal): readonly string[] {
  return [previous, passed ? target : null].filter((hash) => hash !== null)
}

/** Positions after which helm may run. */
const helmMayRun: Readonly<Record<GatePosition['kind'], boolean>> = {
  none: true,
  closed: true,
  halted: true,
  frozen: true,
  admitting: false,
  reverting: false,
}

/** Positions that learn what helm has rendered since: nothing is held as before it ran. */
export const learns = (kind: GatePosition['kind']): boolean =>
  kind === 'admitting' || kind === 'reverting' || kind === 'none'

function originalsFor(kind: GateKind, live: Workload, row: GateRow, goal: GateGoal): Originals {
  const { originals, state } = row
  const { position, goesBack } = goal
  if (position.kind === 'halted') return halted(originals, goesBack)
  if (!learns(position.kind) || state.position.kind === position.kind || !helmMayRun[state.position.kind])
    return originals
  const { sent, unsaid } = renderedBeneath(live, originals.owned)
  const owned = ownedByHelm(live, kind.fields(live), state.wrote, originals.owned)
  const { forward: _, ...known } = originals
  const last = isForwardAgain(state, goal) ? (originals.forward ?? originals.current) : originals.current
  // Of what helm did not render it was made the owner by the gateway alone.
  const rendered = omit(owned, ...unsaid.map((name) => `f:${name}`))
  return { ...known, current: kind.adopt(live, last, state.wrote, sent), owned: rendered }
}

/** It was halted so that helm may go back, and helm has not. */
const isForwardAgain = ({ position, target }: GateState, { current }: GateGoal): boolean =>
  position.kind === 'halted' && current !== null && current === target

/**
 * What helm is to meet is what it has made last, unless it goes back: then it is what the previous version had. Helm may
 * fail either way, and be sent the other way next.
 */
function halted(originals: Originals, goesBack: boolean): Originals {
  const { before, current, forward = current, ...rest } = originals
  return goesBack ? { ...rest, before, current: before, forward } : { ...rest, before, current: forward }
}

/**
 * Which hash is which side. The target's is learnt once its pods can be there, also where another execution has known the
 * version by another one, or where it is frozen before its gate has opened; on the way back the present template is that
 * of the previous version, whatever was found there at the beginning. Whoever reads the row later knows pods by `hashes`
 * alone.
 */
function sidesFor(state: GateState, goal: GateGoal): Partial<GateState> {
  const { position, current, versions } = goal
  const isNew = state.previous === null && state.target === null
  if (position.kind === 'closed' && !isNew) return {}
  // A held Deployment told no hash of it before: it is learnt at the end of the way back at the latest.
  const isOnTheWayBack = position.kind === 'reverting' || state.position.kind === 'reverting'
  if (!isNew && !isOnTheWayBack) return targetFor(state, goal)
  if (current === null || (!isNew && current === state.target)) return {}
  return { previous: current, hashes: { ...state.hashes, [versions.from]: current } }
}

function targetFor(state: GateState, { position, applies, versions, deployed }: GateGoal): Partial<GateState> {
  if (applies === null) return {}
  const freezes = position.kind === 'frozen'
  // Frozen for good it may be before helm has applied anything.
  if (freezes && (!deployed || isOfAnother(state, applies, versions.to))) return {}
  const opensFirst = deployed && state.position.kind === 'closed' && (position.kind === 'admitting' || freezes)
  if (applies === state.previous || (!opensFirst && (state.target !== null || state.position.kind === 'closed')))
    return {}
  return { target: applies, hashes: { ...state.hashes, [versions.to]: applies } }
}

/** The hash is known as that of another version. */
function isOfAnother({ hashes }: GateState, hash: string, version: string): boolean {
  return Object.keys(hashes).some((name) => name !== version && hashes[name] === hash)
}
