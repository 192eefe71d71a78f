import type { FrozenRelease, HeldTemplates } from '../../releases/index.ts'
import type { GateRow } from '../store/gate-row.ts'
import type { FleetParts } from './fleet/context.ts'
import { heldWorkloads } from './frozen-fleet.ts'
import { markOf } from './gate/mark.ts'
import type { Workload } from './gate/model.ts'

/** Whether what is held of a release has the pod templates with which it was frozen. Throws `ClusterError`. */
export async function readTemplates(parts: FleetParts, release: FrozenRelease): Promise<HeldTemplates> {
  return judgeTemplates(await heldWorkloads(parts, release))
}

type Held = { readonly row: Pick<GateRow, 'workloadUid' | 'state'>; readonly live: Workload | null }

/** One that is gone, or is another one now, is no more what was frozen. Pure. */
export function judgeTemplates(held: readonly Held[]): HeldTemplates {
  if (held.length === 0 || held.some(({ row }) => row.state.template === undefined)) return 'unknown'
  const isSame = ({ row: { state, workloadUid }, live }: Held): boolean =>
    live?.metadata.uid === workloadUid && markOf(live) === state.template
  return held.every(isSame) ? 'same' : 'changed'
}
