import type { JsonObject } from '../../../core/json.ts'
import { fenced, LeaseLost } from '../../../infra/engine/index.ts'
import { ClusterError, type KubeObject, type Patch } from '../../../infra/kubernetes/index.ts'
import type { WorkloadRef } from '../../core/model.ts'
import { sameJson } from '../../core/planning.ts'
import type { GateRow } from '../../store/gate-row.ts'
import { gateOn } from '../gate/find.ts'
import { fieldManager, type Workload } from '../gate/model.ts'
import type { GateGoal } from '../gate/row.ts'
import { type GateStep, nextStep } from '../gate/steps.ts'
import { type Fleet, type FleetParts, gateKinds } from './context.ts'
import type { Hand } from './hand.ts'

/** Record, patch, withdraw: whatever needs more than this goes in a circle. */
const MOST_STEPS = 8
/** A controller that moves pods makes every version stale at once, for as long as it is at it: that is no step. */
const MOST_STALE = 50

/** Brings one workload into a position, step by step. Throws `ActFailed`; `LeaseLost` when another worker was here. */
export async function bring(
  parts: FleetParts,
  fleet: Fleet,
  { kind: name, ...ref }: WorkloadRef,
  goal: GateGoal,
  hand: Hand,
): Promise<void> {
  const kind = gateKinds[name]
  const named = { namespace: fleet.namespace, name: ref.name }
  const found = await fleet.client.find<Workload>(kind.resource, named)
  // A workload that helm makes or removes itself has no gate.
  if (found === null && goal.role === 'other') return
  if (found === null) throw hand.failure('not_found', `${name} ${ref.name} is not there`)
  let live: Workload = found
  let row = await gateOn(parts, goal.clusterId, kind, live)
  for (let step = 0, stale = 0; step < MOST_STEPS && stale < MOST_STALE; ) {
    const next = nextStep(kind, live, row, goal)
    if (next.kind === 'done') return
    if (next.kind === 'overtaken') throw new LeaseLost('A worker with a newer lease holds the gate')
    if (next.kind === 'record') {
      row = await record(parts, next.row, row, hand)
      step += 1
      continue
    }
    const sent: Sent<Workload> = await patchUnlessStale(fleet, kind.resource, live, patchOf(next), hand)
    live = sent.object
    if (sent.isStale) stale += 1
    else step += 1
  }
  throw hand.failure('conflict', `${name} ${ref.name} is being changed by another hand`)
}

/** A row moves with its name from an object to the one that has come in its place. */
async function record(
  { db, gates }: FleetParts,
  row: GateRow,
  before: GateRow | null,
  { lease }: Hand,
): Promise<GateRow> {
  await fenced(db, lease, async (tx) => {
    if (before !== null && before.workloadUid !== row.workloadUid) await gates.drop(tx, before)
    await gates.put(tx, row)
  })
  return row
}

function patchOf(step: Extract<GateStep, { kind: 'patch' | 'withdraw' }>): Patch {
  return step.kind === 'patch'
    ? { type: 'merge', body: step.body, fieldManager }
    : { type: 'json', body: step.body, fieldManager }
}

/**
 * Sends a patch that carries the version which was read. Where only the status has moved meanwhile, or the note, the
 * object as it now is comes back unpatched, to be decided upon anew; where the spec has, the act ends.
 */
export async function patchOnce<T extends KubeObject>(
  fleet: Pick<Fleet, 'client'>,
  resource: PatchedResource,
  live: T,
  patch: Patch,
  hand: Hand,
): Promise<T> {
  return (await patchUnlessStale(fleet, resource, live, patch, hand)).object
}

type PatchedResource = Parameters<Fleet['client']['patch']>[0]
type Sent<T> = { readonly object: T; readonly isStale: boolean }

async function patchUnlessStale<T extends KubeObject>(
  { client }: Pick<Fleet, 'client'>,
  resource: PatchedResource,
  live: T,
  patch: Patch,
  hand: Hand,
): Promise<Sent<T>> {
  const { namespace = '', name, uid } = live.metadata
  try {
    const object = await hand.write((options) => client.patch<T>(resource, { namespace, name }, patch, options))
    return { object, isStale: false }
  } catch (error) {
    if (!(error instanceof ClusterError && error.isConflict)) throw error
    const fresh = await client.get<T>(resource, { namespace, name })
    if (fresh.metadata.uid !== uid || hasMoved(live, fresh)) throw error
    return { object: fresh, isStale: true }
  }
}

/** A note on a Deployment counts a generation too: it is copied to what the Deployment owns. */
function hasMoved(live: KubeObject, fresh: KubeObject): boolean {
  return fresh.metadata.generation !== live.metadata.generation && !sameJson(specOf(fresh), specOf(live))
}

const specOf = (object: KubeObject): unknown => (object as { readonly spec?: unknown }).spec

/** A merge patch that only applies to the version which was read. */
export function guarded({ metadata }: KubeObject, body: JsonObject): Patch {
  const version = { resourceVersion: metadata.resourceVersion ?? '' }
  return { type: 'merge', body: { ...body, metadata: version }, fieldManager }
}
