import { ClusterError, resources } from '../../../infra/kubernetes/index.ts'
import type { Execution, GatePosition, PodRef, WorkloadRef } from '../../core/model.ts'
import { everyPassed } from '../../core/pin-guard.ts'
import { strategyOf } from '../../core/strategies/index.ts'
import type { GateState } from '../../store/gate-row.ts'
import { costChanges, costName } from '../deployment/cost.ts'
import { carriesNote } from '../gate/annotation.ts'
import { fieldManager, type Workload } from '../gate/model.ts'
import { targetHash } from '../gate/position.ts'
import type { GateGoal } from '../gate/row.ts'
import { hashesOf } from '../services/noted.ts'
import { handOverServices, unpinServices, unpinStrays } from '../services/pin.ts'
import { armTarget, disarmPrevious } from './arm.ts'
import { bring } from './bring.ts'
import { type Fleet, type FleetParts, fleetOf } from './context.ts'
import { letGo } from './evictions.ts'
import type { Hand } from './hand.ts'
import { labelsOf, refOf, servingHashes } from './members.ts'
import { isReplaced, readFleet, type Seen } from './observe.ts'
import { repinPrevious, unpinFleet } from './pin-act.ts'

export type GateMove = { readonly position: GatePosition; readonly take: readonly PodRef[] }

/** Which positions the other workloads of the release are brought into as well; in between they stay closed. */
const forOthers: Readonly<Record<GatePosition['kind'], boolean>> = {
  none: true,
  closed: true,
  frozen: true,
  admitting: false,
  halted: false,
  reverting: false,
}

/**
 * Brings the gate of a fleet into a position: the other workloads first, so that the position of the target, which is
 * what is looked at, tells that they are there too. Throws `ActFailed`, `LeaseLost`.
 */
export async function moveGate(parts: FleetParts, execution: Execution, move: GateMove, hand: Hand): Promise<void> {
  const fleet = await fleetOf(parts, execution)
  if (fleet === null) throw hand.failure('not_found', 'the release is not known any more')
  if (forOthers[move.position.kind]) {
    for (const other of await othersOf(parts, execution, fleet.workload)) {
      await bring(
        parts,
        fleet,
        other,
        goalOf(fleet, execution, 'other', { ...move, take: [] }, nothingKnown, parts, hand),
        hand,
      )
    }
  }
  await moveTarget(parts, fleet, execution, move, hand)
}

async function othersOf(
  { db, gates }: FleetParts,
  { id, change }: Execution,
  target: WorkloadRef,
): Promise<readonly WorkloadRef[]> {
  const held = (await gates.ofExecution(db, id)).filter(({ state }) => state.role === 'other')
  const all = [...(change?.others ?? []), ...held.map(({ kind, name }): WorkloadRef => ({ kind, name }))]
  const unique = new Map(all.map((each) => [`${each.kind}/${each.name}`, each]))
  unique.delete(`${target.kind}/${target.name}`)
  return [...unique.values()]
}

async function moveTarget(
  parts: FleetParts,
  fleet: Fleet,
  execution: Execution,
  move: GateMove,
  hand: Hand,
): Promise<void> {
  const { client, kind, namespace, workload } = fleet
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  // What is not there has no gate to be taken off, but Services may still be pinned to its pods.
  if (live === null && move.position.kind === 'none') return unpinFleet(parts, fleet, execution, hand)
  if (live === null) throw hand.failure('not_found', `${workload.kind} ${workload.name} is not there`)
  if (await isReplaced(parts, execution, live)) {
    const isBare = !carriesNote(live)
    if (isBare && move.position.kind === 'none') return unpinFleet(parts, fleet, execution, hand)
    // What becomes of it is for the next look to say, which tells that it is another one.
    if (!isEnd[move.position.kind])
      throw hand.failure('conflict', `${workload.kind} ${workload.name} is another one now`)
  }
  const seen = await readFleet(parts, fleet, execution, live)
  if (move.position.kind === 'closed' && !knowsPrevious(seen, execution)) {
    throw hand.failure('unavailable', 'the controller has not seen the newest spec yet')
  }
  if (move.position.kind === 'reverting') await repinPrevious(parts, fleet, seen, hand)
  if (isEnd[move.position.kind]) await unpinAtEnd(parts, fleet, seen, move, hand)
  // Whoever takes a frozen fleet over may find it pinned.
  if (move.position.kind === 'closed' && seen.row !== null) {
    await handOverServices(fleet, seen.row, servingHashes(kind, seen.pods), hand)
  }
  if (!kind.evicts) await markCosts(fleet, seen, move, hand)
  const { current } = seen.lineage
  const movedFrom = current === null ? null : kind.movedFrom(live, seen.pods, current)
  const known = { current, applies: targetHash(execution, seen.lineage), movedFrom, hashes: seen.hashes }
  const to = (position: GatePosition) => {
    const goal = goalOf(fleet, execution, 'target', { ...move, position }, known, parts, hand)
    return bring(parts, fleet, workload, goal, hand)
  }
  if (kind.kind === 'Deployment' && move.position.kind === 'admitting') {
    await armTarget(parts, fleet, live, to, hand)
    if (strategyOf(execution).switches) await disarmPrevious(parts, fleet, seen, hand)
  }
  await to(move.position)
  if (kind.evicts && movesPods[move.position.kind])
    await letTaken(fleet, seen, move, { asks: strategyOf(execution).asksBefore, hand })
}

/**
 * Whether the pods of the previous version can be told from others once helm has run. Of a frozen fleet the gate knows
 * them: its present template may never have had a pod, and a held Deployment makes nothing for it.
 */
const knowsPrevious = ({ live, lineage, row, pods }: Seen, { from }: Execution): boolean =>
  lineage.current !== null ||
  row?.state.hashes[from.version] !== undefined ||
  // Made anew while it is held, its controller makes neither a set nor pods: there are none to be told from others.
  (pods.length === 0 && carriesNote(live))

const movesPods: Readonly<Record<GatePosition['kind'], boolean>> = {
  admitting: true,
  reverting: true,
  none: false,
  closed: false,
  halted: false,
  frozen: false,
}

/** Pods of other workloads are on no side. */
const nothingKnown = { current: null, applies: null, movedFrom: null, hashes: {} }

function goalOf(
  { clusterId, releaseId }: Fleet,
  execution: Execution,
  role: GateState['role'],
  { position, take }: GateMove,
  known: Pick<GateGoal, 'current' | 'applies' | 'movedFrom' | 'hashes'>,
  { clock }: FleetParts,
  { lease }: Hand,
): GateGoal {
  const { id, from, to, deployed, change } = execution
  return {
    ...{ position, clusterId, releaseId, executionId: id, deployed, role, ...known },
    versions: { from: from.version, to: to.version },
    take: take.map(({ uid }) => uid),
    // An execution halts its fleet on the way back only.
    goesBack: true,
    passed: role === 'target' && everyPassed(execution),
    applied: role === 'target' && change?.template === 'to',
    epoch: lease.epoch,
    now: clock.now(),
  }
}

/** Positions in which an execution leaves its workloads. */
const isEnd: Readonly<Record<GatePosition['kind'], boolean>> = {
  none: true,
  frozen: true,
  closed: false,
  admitting: false,
  halted: false,
  reverting: false,
}

async function unpinAtEnd(parts: FleetParts, fleet: Fleet, seen: Seen, { position }: GateMove, hand: Hand) {
  if (seen.row === null) return
  const row = await unpinStrays(parts, fleet, seen.row, labelsOf(seen.live, seen.pods), hand)
  if (position.kind === 'none') await unpinWhatGoes(parts, fleet, { ...seen, row }, hand)
}

/**
 * Restoring while traffic is pinned to the side that goes would leave the Services without endpoints. Where helm or another
 * hand has taken every pin away it is noted as gone, or the gate would be kept for it for ever.
 */
async function unpinWhatGoes(parts: FleetParts, fleet: Fleet, { row, lineage }: Seen, hand: Hand): Promise<void> {
  if (row === null || row.originals.services.length === 0 || lineage.current === null) return
  const pinned = (await hashesOf(fleet, row)).flatMap(({ hash }) => hash ?? [])
  if (pinned.length === 0 || pinned.some((hash) => hash !== lineage.current))
    await unpinServices(parts, fleet, row, hand)
}

/** A Deployment's pods are chosen before its gate is raised; where none may go, no earlier choice is left. */
async function markCosts({ client, namespace }: Fleet, { pods }: Seen, move: GateMove, hand: Hand): Promise<void> {
  const take = move.position.kind === 'admitting' ? move.take : []
  for (const { pod, cost } of costChanges(pods, take)) {
    const body = { metadata: { annotations: { [costName]: cost } } }
    const named = { namespace, name: pod }
    await hand
      .write((options) => client.patch(resources.pods, named, { type: 'merge', body, fieldManager }, options))
      .catch(ignoreAbsent)
  }
}

/** Those that were chosen and that the gate, as it was written, lets go: somebody may have scaled since they were. */
async function letTaken(
  fleet: Fleet,
  { pods }: Seen,
  { take }: GateMove,
  { asks, hand }: { readonly asks: boolean; readonly hand: Hand },
): Promise<void> {
  const { client, kind, namespace, workload } = fleet
  const chosen = new Set(take.map(({ uid }) => uid))
  const there = pods.filter((pod) => chosen.has(refOf(pod).uid) && pod.metadata.deletionTimestamp === undefined)
  if (there.length === 0) return
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  const going = live === null ? [] : there.filter((pod) => kind.letsGo(live, pod))
  await letGo(client, { namespace, asks }, going, hand)
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof ClusterError && error.isAbsent)) throw error
}
