import type { GatePosition } from '../../core/model.ts'
import type { Fields } from '../../store/gate-row.ts'
import { omit, pick, within } from '../gate/json.ts'
import type { Reading, Workload } from '../gate/model.ts'

/** A DaemonSet knows one hold only: its pods are replaced when somebody deletes them. A dead pod comes back new. */
const HELD = 'OnDelete'

export const fieldsOf = ({ spec }: Workload): Fields => pick(spec, ['updateStrategy'])

/** The fields in a position: every one but `none` is the same, the pods are evicted by us. */
export function wanted(live: Workload, originals: Fields, position: GatePosition): Fields {
  if (position.kind === 'none') return adopt(live, originals)
  return { updateStrategy: { ...strategyOf(live), type: HELD } }
}

/** Only the type is ours. */
export function adopt(live: Workload, originals: Fields): Fields {
  const type = pick(within(originals, 'updateStrategy'), ['type'])
  return { updateStrategy: { ...omit(strategyOf(live), 'type'), ...type } }
}

/** What the fields let happen: where the chart itself wants `OnDelete` there is nothing to see. */
export function read(live: Workload, originals: Fields): Reading {
  const before = within(originals, 'updateStrategy').type
  return { kind: strategyOf(live).type === HELD && before !== HELD ? 'held' : 'open' }
}

const strategyOf = ({ spec }: Workload) => within(spec, 'updateStrategy')
