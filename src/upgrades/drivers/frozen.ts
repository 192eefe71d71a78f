import type { Uuid } from '../../core/subject.ts'
import { fenced, type Lease } from '../../infra/engine/index.ts'
import type { GatePosition } from '../core/model.ts'
import { bring } from './fleet/bring.ts'
import { type Fleet, type FleetParts, gateKinds } from './fleet/context.ts'
import { acting, type Hand } from './fleet/hand.ts'
import { readPods, servingHashes } from './fleet/members.ts'
import type { GateRow, Workload } from './gate/model.ts'
import type { GateGoal } from './gate/row.ts'
import { handOverServices, unpinServices } from './services/pin.ts'

/** A release whose workloads an execution has left frozen. */
export type FrozenRelease = { readonly id: Uuid; readonly clusterId: Uuid; readonly namespace: string }

/** What the releases do with frozen workloads, around helm. Both are repeatable; they throw `ActFailed`, `LeaseLost`. */
export interface FrozenWorkloads {
  /** Before helm: nothing moves whatever it applies, and it meets no field of ours. */
  halt(release: FrozenRelease, lease: Lease): Promise<void>
  /** After helm has applied: the originals are back, everything moves, and nothing of ours is left. */
  restore(release: FrozenRelease, lease: Lease): Promise<void>
}

/** Frozen workloads over the same parts as the driver. */
export function frozenWorkloads(parts: FleetParts): FrozenWorkloads {
  return {
    halt: (release, lease) => acting(lease, (hand) => bringAll(parts, release, 'halted', hand)),
    restore: (release, lease) =>
      acting(lease, async (hand) => {
        await bringAll(parts, release, 'none', hand)
        const rows = await parts.gates.ofRelease(parts.db, release.id)
        await fenced(parts.db, lease, async (tx) => {
          for (const row of rows) await parts.gates.drop(tx, row)
        })
      }),
  }
}

async function bringAll(parts: FleetParts, release: FrozenRelease, kind: 'halted' | 'none', hand: Hand): Promise<void> {
  for (const row of await parts.gates.ofRelease(parts.db, release.id)) {
    const fleet = fleetOfRow(parts, release, row)
    if (kind === 'none') await unpinServices(parts, fleet, row, hand)
    else await handOverPins(fleet, row, hand)
    await bring(parts, fleet, fleet.workload, goalOf(parts, release, row, { kind }, hand), hand)
  }
}

async function handOverPins(fleet: Fleet, row: GateRow, hand: Hand): Promise<void> {
  if (row.originals.services.length === 0) return
  const { client, kind, namespace, workload } = fleet
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  const pods = live === null ? [] : await readPods(client, live, await kind.lineage(client, live))
  await handOverServices(fleet, row, servingHashes(kind, pods), hand)
}

function fleetOfRow(parts: FleetParts, { id, clusterId, namespace }: FrozenRelease, { kind, name }: GateRow): Fleet {
  const client = parts.clientOf(clusterId)
  return {
    clusterId,
    namespace,
    newestChartVersion: null,
    releaseId: id,
    client,
    workload: { kind, name },
    kind: gateKinds[kind],
  }
}

/** In the name of the execution that left it. What is not there any more has no gate either: as for other workloads. */
function goalOf(
  { clock }: FleetParts,
  { id, clusterId }: FrozenRelease,
  row: GateRow,
  position: GatePosition,
  { lease }: Hand,
): GateGoal {
  return {
    ...{ position, clusterId, releaseId: id, executionId: row.executionId, deployed: true, role: 'other' },
    versions: { from: '', to: '' },
    ...{ take: [], current: null, hashes: {}, epoch: lease.epoch, now: clock.now() },
  }
}
