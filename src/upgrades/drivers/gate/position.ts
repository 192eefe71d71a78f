import type { Uuid } from '../../../core/subject.ts'
import type { Execution, GatePosition, PodTemplate, Side, Stage } from '../../core/model.ts'
import type { GateRow, Hashes } from '../../store/gate-row.ts'
import type { GateKind, Lineage, Reading, Workload } from './model.ts'
import { isOwner } from './ownership.ts'
import { fieldsPatch, withdrawsAt } from './steps.ts'

/**
 * Which position a workload really is in, whatever was written last: somebody may have unpaused it or changed K. A gate
 * that another execution has left is none of this one's. Pure.
 */
export function positionOf(kind: GateKind, live: Workload, row: GateRow | null, executionId: Uuid): GatePosition {
  if (row === null || row.executionId !== executionId) return { kind: 'none' }
  const { originals, state } = row
  const owned = isOwner(live)
  if (fieldsPatch(kind, live, row) === null && !(owned && withdrawsAt(state.position))) return state.position
  const reading = kind.read(live, originals.current)
  // Opened by what helm went back to: nothing holds, but the note is still there, and whoever restores is to see to it.
  const isMarked = owned || state.position.kind === 'halted'
  return readings[reading.kind](reading, isMarked, kind.instances(live))
}

/**
 * Whether another hand has opened the gate: what holds it is not there, and we never leave it so between two positions that hold. One
 * that lets some more go may be ours of before. Pure.
 */
export function isOpened(kind: GateKind, live: Workload, row: GateRow | null, executionId: Uuid): boolean {
  if (row === null || row.executionId !== executionId || fieldsPatch(kind, live, row) === null) return false
  const { originals, state } = row
  const holds = state.position.kind === 'closed' || state.position.kind === 'admitting'
  return holds && kind.read(live, originals.current).kind === 'open'
}

type ReadAs = (reading: Reading, owned: boolean, instances: number) => GatePosition

/** Half-way to a position from which helm may run, our fields are not withdrawn: that is told by how many may move. */
const readings: Readonly<Record<Reading['kind'], ReadAs>> = {
  held: (_, owned) => (owned ? { kind: 'admitting', upTo: 0, surge: 0 } : { kind: 'closed' }),
  open: (_, owned, instances) => (owned ? { kind: 'admitting', upTo: instances, surge: 0 } : { kind: 'none' }),
  admits: (reading) =>
    reading.kind === 'admits' ? { kind: 'admitting', upTo: reading.upTo, surge: reading.surge } : { kind: 'closed' },
}

/**
 * Where we move the pods ourselves, a pod that was to go and is still there has not been let go: so the position tells
 * that fewer may move, and whoever decides asks for it again. Pure.
 */
export function admittedIn(
  kind: GateKind,
  position: GatePosition,
  row: GateRow | null,
  staying: ReadonlySet<string>,
): GatePosition {
  if (kind.kind !== 'DaemonSet' || position.kind !== 'admitting' || row === null) return position
  const left = row.state.take.filter((uid) => staying.has(uid)).length
  return left === 0 ? position : { ...position, upTo: Math.max(0, position.upTo - left) }
}

/** Which hash stands for which side. */
export type Sides = { readonly previous: string | null; readonly target: string | null }

/** Where the execution may be, for what hashes mean. */
type Asker = Pick<
  Execution,
  'id' | 'from' | 'to' | 'deployed' | 'change' | 'capabilities' | 'stage' | 'instances' | 'applied'
>

/**
 * Which hash is which side for an execution, from its row and from the present template. `hashes`: those that are known of
 * versions, without a row. Pure.
 */
export function sidesOf(row: GateRow | null, lineage: Lineage, execution: Asker, hashes: Hashes = {}): Sides {
  const { current } = lineage
  // Nothing moves when the pods do not change: once helm has run, they are what is wanted.
  if (execution.change?.podsChange === false) {
    return execution.deployed
      ? { previous: null, target: targetHash(execution, lineage) }
      : { previous: current, target: null }
  }
  if (row === null && execution.capabilities.hold === 'gate' && execution.change?.template === 'to') {
    return { previous: hashes[execution.from.version] ?? null, target: targetHash(execution, lineage) }
  }
  if (row === null)
    return ungated(execution)
      ? { previous: null, target: targetHash(execution, lineage) }
      : { previous: current, target: null }
  const { state } = row
  if (row.executionId !== execution.id) return sidesFrom(row, execution, current)
  const target = state.target ?? execution.applied?.hash ?? null
  if (state.position.kind === 'reverting' && current !== null && current !== target) {
    return { previous: current, target }
  }
  return { previous: state.previous, target: target ?? learnt(row, targetHash(execution, lineage)) }
}

/**
 * The hash of pods of the target version once helm has applied that: of the present template, as long as that is what was seen
 * then. Of what another hand has made of it since it is of no version (docs/adr/0061). Pure.
 */
export function targetHash({ applied }: Pick<Execution, 'applied'>, { current, mark }: Lineage): string | null {
  if (!applied) return current
  return isAppliedTemplate(applied, mark) ? (current ?? applied.hash) : applied.hash
}

/** False where the present template is known not to be what helm has applied. Pure. */
export function isAppliedTemplate({ mark }: PodTemplate, now: string | undefined): boolean {
  return now === undefined || now === mark
}

/** True where helm has applied the target version last; null where that is as it was in the stage before. */
const onTarget: Readonly<Record<Stage, boolean | null>> = {
  checking: false,
  closing: false,
  deploying: false,
  pinning: true,
  moving: true,
  switching: true,
  watching: true,
  opening: true,
  verifying: true,
  concluding: true,
  repinning: null,
  halting: null,
  undoing: null,
  reverting: false,
  restoring: false,
  releasing: null,
  done: null,
}

/** Without a gate no row tells which template the pods come from: true where it is the target version's. */
function ungated({ capabilities, deployed, stage, instances }: Asker): boolean {
  if (capabilities.hold !== 'none' || !deployed) return false
  return onTarget[stage] ?? instances.some(({ side }) => side === 'target')
}

/** Before the gate of another execution is taken over. */
function sidesFrom({ state }: GateRow, { from, to }: Asker, current: string | null): Sides {
  if (state.position.kind === 'none') return { previous: current, target: null }
  return { previous: state.hashes[from.version] ?? current, target: state.hashes[to.version] ?? null }
}

function learnt({ state }: GateRow, current: string | null): string | null {
  return state.position.kind === 'closed' || current === state.previous ? null : current
}

/** The side of a pod by its hash. Pure. */
export function sideOf(hash: string | undefined, { previous, target }: Sides): Side {
  if (hash === undefined) return 'other'
  if (hash === target) return 'target'
  return hash === previous ? 'previous' : 'other'
}
