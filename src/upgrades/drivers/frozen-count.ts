import type { FrozenWorkloads } from '../../releases/index.ts'
import type { GateRow } from '../store/gate-row.ts'
import { type FleetParts, gateKinds } from './fleet/context.ts'
import { type FleetPod, hashIn, readPods, runningPods } from './fleet/members.ts'
import { fleetOfRow } from './frozen-fleet.ts'
import { namesByHash, unknown, type Versions } from './frozen-names.ts'
import { carriesNote } from './gate/annotation.ts'
import type { GateKind, Workload } from './gate/model.ts'

type Counted = Parameters<FrozenWorkloads['versions']>[0]

/**
 * How many pods of the target that an execution has left frozen run each version; null where none is held. One whose
 * workload is gone runs nothing. Throws `ClusterError`.
 */
export async function readVersions(parts: FleetParts, release: Counted): Promise<Record<string, number> | null> {
  const rows = await parts.gates.ofRelease(parts.db, release.id)
  const row = rows.find(({ state }) => state.role === 'target')
  if (row === undefined) return null
  const known = release.frozen?.versions ?? {}
  const { client, kind, namespace, workload } = fleetOfRow(parts, release, row)
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  if (live === null || !isOfRow(live, row)) return countVersions([], null, row, known)
  const lineage = await kind.lineage(client, live)
  const pods = await readPods(client, live, lineage)
  return countVersions(placesTaken(kind, pods, kind.instances(live)), lineage.current, row, known)
}

const isOfRow = (live: Workload, { workloadUid }: GateRow): boolean =>
  live.metadata.uid === workloadUid || carriesNote(live)

/** A pod on its way out still has its place where no other has come for it. Pure. */
export function placesTaken(kind: GateKind, pods: readonly FleetPod[], wanted: number): readonly FleetPod[] {
  const running = runningPods(kind, pods)
  const isLeaving = ({ metadata }: FleetPod): boolean => metadata.deletionTimestamp !== undefined
  const stays = running.filter((pod) => !isLeaving(pod))
  return [...stays, ...running.filter(isLeaving).slice(0, Math.max(0, wanted - stays.length))]
}

/**
 * Counts pods by version. What the record names stays named, with 0 where nothing runs it any more, and so is the version
 * of the present template: that is what the freeze keeps away. Pure.
 */
export function countVersions(
  pods: readonly FleetPod[],
  template: string | null,
  { kind, state }: Pick<GateRow, 'kind' | 'state'>,
  known: Versions,
): Record<string, number> {
  const names = namesByHash(state.hashes, template, known)
  const applied = template === null ? undefined : names.get(template)
  const named = [...Object.keys(known).filter((name) => name !== unknown), ...(applied === undefined ? [] : [applied])]
  const counts: Record<string, number> = Object.fromEntries(named.map((name) => [name, 0]))
  for (const pod of pods) {
    const name = names.get(hashIn(gateKinds[kind], pod) ?? '') ?? unknown
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
