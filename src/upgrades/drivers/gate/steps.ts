import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition } from '../../core/model.ts'
import type { GateRow } from '../../store/gate-row.ts'
import { hasNote, noteEpoch, noteName, noteOf, noteText, renderedName } from './annotation.ts'
import { equivalentJson, mergePatch, pick } from './json.ts'
import type { GateKind, Workload } from './model.ts'
import { withdrawPatch } from './ownership.ts'
import { type GateGoal, learns, rowFor } from './row.ts'

/**
 * The next thing to do to bring a workload into a position. `record`: commit this row first. `patch`: a merge patch that
 * carries the version which was read. `withdraw`: a JSON patch that gives our fields back. `overtaken`: a worker with a
 * newer lease has been here.
 */
export type GateStep =
  | { readonly kind: 'record'; readonly row: GateRow }
  | { readonly kind: 'patch'; readonly body: JsonObject }
  | { readonly kind: 'withdraw'; readonly body: readonly JsonObject[] }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'done' }

/** Pure. Asked again after each step, with what is there then, it ends with `done`. */
export function nextStep(kind: GateKind, live: Workload, row: GateRow | null, goal: GateGoal): GateStep {
  const epoch = noteEpoch(live)
  if (epoch !== null && epoch > goal.epoch) return { kind: 'overtaken' }
  const wanted = rowFor(kind, live, row, goal)
  if (row === null || !sameRow(row, wanted)) return { kind: 'record', row: wanted }
  const patch = gatePatch(kind, live, wanted, goal.epoch)
  if (patch !== null) return { kind: 'patch', body: patch }
  const withdrawal = withdrawalOf(kind, live, wanted)
  return withdrawal === null ? { kind: 'done' } : { kind: 'withdraw', body: withdrawal }
}

/** Where helm is about to run it takes what it renders; of what is as it was, it is given back what it had. */
function withdrawalOf(kind: GateKind, live: Workload, { originals, state }: GateRow): readonly JsonObject[] | null {
  if (!withdrawsAt(state.position)) return null
  const now = kind.fields(live)
  const carried = state.replaced === true ? Object.keys({ ...now, ...originals.current }) : []
  if (state.position.kind === 'none') return withdrawPatch(live, originals.owned, carried)
  const restored = Object.keys(now).filter((name) => equivalentJson(now[name], originals.current[name]))
  const names = restored.map((name) => `f:${name}`)
  return withdrawPatch(live, pick(originals.owned, names), carried)
}

/** The patch of fields and note that brings a workload into the position of its row; null where it is. Pure. */
export function gatePatch(kind: GateKind, live: Workload, row: GateRow, epoch: bigint): JsonObject | null {
  const spec = fieldsPatch(kind, live, row)
  const annotations = notePatch(live, row, epoch)
  if (spec === null && annotations === null) return null
  const { resourceVersion = '' } = live.metadata
  const metadata = { resourceVersion, ...(annotations === null ? {} : { annotations }) }
  return { metadata, ...(spec === null ? {} : { spec }) }
}

/** What of the fields differs from the position of the row. What was given back frozen is as it was found. */
export function fieldsPatch(kind: GateKind, live: Workload, { originals, state }: GateRow): JsonObject | null {
  const { position, asFound } = state
  const found = position.kind === 'frozen' ? asFound : null
  return mergePatch(kind.fields(live), found ?? kind.wanted(live, originals.current, position, state))
}

function notePatch(live: Workload, row: GateRow, epoch: bigint): JsonObject | null {
  const { kind } = row.state.position
  const note = noteOf(row)
  const ours =
    kind === 'none' ? without(live, noteName) : hasNote(live, note) ? {} : { [noteName]: noteText(note, epoch) }
  // What helm rendered beneath a gate is among the originals of the row by then.
  const all = { ...ours, ...(learns(kind) ? without(live, renderedName) : {}) }
  return Object.keys(all).length === 0 ? null : all
}

const without = ({ metadata }: Workload, name: string): JsonObject =>
  metadata.annotations?.[name] === undefined ? {} : { [name]: null }

/** Where helm may run next, it must not meet us as the owner of a field, nor where everything is put back. */
export function withdrawsAt({ kind }: GatePosition): boolean {
  return kind === 'none' || kind === 'closed' || kind === 'halted'
}

function sameRow(one: GateRow, other: GateRow): boolean {
  return (
    one.executionId === other.executionId &&
    one.workloadUid === other.workloadUid &&
    equivalentJson(one.originals, other.originals) &&
    equivalentJson(one.state, other.state)
  )
}
