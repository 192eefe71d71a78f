import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition } from '../../core/model.ts'
import type { Fields } from '../../store/gate-row.ts'
import { numberOr, omit, pick, within } from '../gate/json.ts'
import type { Reading, StoppedBack, Workload } from '../gate/model.ts'

/**
 * A StatefulSet is held by its partition: ordinals below it stay on, and come back in, the previous version. Closed, it
 * is the highest that the API takes, so that ordinals which are added meanwhile come in the previous version too.
 */
const CLOSED = 2_147_483_647

/**
 * On the way back its controller takes no pod away by itself: it asks no disruption budget. What somebody else takes comes
 * back in the version that helm applied last, which is the previous one.
 */
const TAKEN: Fields = { updateStrategy: { type: 'OnDelete' } }

const isTaken = ({ spec }: Workload): boolean => within(spec, 'updateStrategy').type === 'OnDelete'

export const fieldsOf = ({ spec }: Workload): Fields => pick(spec, ['updateStrategy'])

/** The fields in a position. */
export function wanted(
  live: Workload,
  originals: Fields,
  position: GatePosition,
  { reverted, movedFrom }: StoppedBack,
): Fields {
  if (position.kind === 'none') return adopt(live, originals)
  const isShut = position.kind === 'closed' || position.kind === 'halted'
  // Helm applies the type alone, and the API refuses that beside a partition of ours. It holds by itself.
  if (isShut && !isRolling(originals)) return pick(originals, ['updateStrategy'])
  if (position.kind === 'reverting') return TAKEN
  // Stopped on the way back it stays so: what dies comes in the version that helm applied last.
  if (position.kind === 'frozen' && (reverted === true || (isRolling(originals) && isTaken(live)))) return TAKEN
  // The partition is what brings a pod back in its own version: a frozen fleet keeps the one that it has, or had before it was halted.
  if (position.kind === 'frozen')
    return partitioned(live, originals, movedFrom ?? numberOr(rollingOf(live).partition, CLOSED))
  if (position.kind !== 'admitting' || position.upTo === 0) return partitioned(live, originals, CLOSED)
  return partitioned(live, originals, Math.max(0, replicasOf(live) - position.upTo))
}

function partitioned(live: Workload, originals: Fields, partition: number): Fields {
  return { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { ...besides(live, originals), partition } } }
}

/** What stands beside the partition: on the way back nothing may, and it is known by the originals alone. */
function besides(live: Workload, originals: Fields): JsonObject {
  return isTaken(live) ? within(originals, 'updateStrategy', 'rollingUpdate') : rollingOf(live)
}

/** Only type and partition are ours: what else helm renders there stays as it has made it. */
export function adopt(live: Workload, originals: Fields): Fields {
  if (!isRolling(originals)) return originals
  const before = within(originals, 'updateStrategy')
  const partition = pick(within(before, 'rollingUpdate'), ['partition'])
  const rolling = { ...omit(besides(live, originals), 'partition'), ...partition }
  const rest = omit(before, 'rollingUpdate')
  return { updateStrategy: Object.keys(rolling).length === 0 ? rest : { ...rest, rollingUpdate: rolling } }
}

/** What the fields let happen. A partition that the chart's own value is holds nothing of ours. */
export function read(live: Workload, originals: Fields): Reading {
  const strategy = within(live.spec, 'updateStrategy')
  if (strategy.type === 'OnDelete') return { kind: 'open' }
  const partition = partitionOf(live)
  const before = numberOr(within(originals, 'updateStrategy', 'rollingUpdate').partition, 0)
  if (partition === before) return { kind: 'open' }
  const upTo = Math.max(0, replicasOf(live) - partition)
  return upTo === 0 ? { kind: 'held' } : { kind: 'admits', upTo, surge: 0 }
}

function isRolling(originals: Fields): boolean {
  const { type } = within(originals, 'updateStrategy')
  return type === undefined || type === 'RollingUpdate'
}

const rollingOf = ({ spec }: Workload) => within(spec, 'updateStrategy', 'rollingUpdate')

/** How many pods are wanted. */
export const replicasOf = ({ spec }: Workload) => numberOr(spec?.replicas, 1)

/** How many of the lowest ordinals stay in, and come back in, the previous version. */
export const partitionOf = (live: Workload): number => numberOr(rollingOf(live).partition, 0)
