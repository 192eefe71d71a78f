import { resources } from '../../../infra/kubernetes/index.ts'
import type { GatePosition } from '../../core/model.ts'
import { isUncounted, readArming } from '../deployment/arming.ts'
import { type ReplicaSet, readReplicaSets, setOfHash } from '../deployment/lineage.ts'
import { numberOr } from '../gate/json.ts'
import { fieldManager, type Workload } from '../gate/model.ts'
import type { Fleet, FleetParts } from './context.ts'
import type { Hand } from './hand.ts'
import type { Seen } from './observe.ts'

// What the controller of a Deployment must count, and how, before its gate opens.

const TRIES = 50
const PAUSE_MS = 200

/**
 * Before a gate opens, pods that are on the present template already must count as the gate needs it. Throws
 * `ClusterError`, `LeaseLost`, and `ActFailed` when the controller does not count them in time.
 */
export async function armTarget(
  parts: FleetParts,
  { client, kind, namespace }: Fleet,
  live: Workload,
  to: (position: GatePosition) => Promise<void>,
  hand: Hand,
): Promise<void> {
  if ((await readArming(client, live)) !== 'needed') return
  await to({ kind: 'admitting', upTo: 0, surge: 0 })
  const isDone = async () => {
    const now = await client.get<Workload>(kind.resource, { namespace, name: live.metadata.name })
    return (await readArming(client, now)) !== 'needed'
  }
  await untilCounted(parts, isDone, hand)
}

/**
 * A green set whose execution was cancelled counts as never available, and a controller with too many pods removes such
 * first. Where it is what a third set comes beside, it is what serves: its pods must count again. Throws as `armTarget`.
 */
export async function disarmPrevious(
  parts: FleetParts,
  { client }: Fleet,
  { live, row, lineage }: Seen,
  hand: Hand,
): Promise<void> {
  const hash = row?.state.previous ?? null
  if (row === null || hash === null || hash === lineage.current) return
  const find = async () => setOfHash(await readReplicaSets(client, live), hash)
  const set = await find()
  if (set === null || !isUncounted(set)) return
  const spec = { minReadySeconds: numberOr(row.originals.before.minReadySeconds, 0) }
  const change = { type: 'merge', body: { spec }, fieldManager } as const
  await hand.write((options) => client.patch<ReplicaSet>(resources.replicaSets, set.metadata, change, options))
  await untilCounted(parts, async () => !isUncounted((await find()) ?? set), hand)
}

async function untilCounted({ clock }: FleetParts, isDone: () => Promise<boolean>, hand: Hand): Promise<void> {
  for (let tries = 0; tries < TRIES && !hand.lease.signal.aborted; tries++) {
    if (await isDone()) return
    await clock.sleep(PAUSE_MS, hand.lease.signal)
  }
  throw hand.failure('unavailable', 'the controller has not counted the pods anew in time')
}
