import { resources } from '../../../infra/kubernetes/index.ts'
import { numberOr } from '../gate/json.ts'
import type { GateKind } from '../gate/model.ts'
import { adopt, fieldsOf, read, wanted } from './fields.ts'
import { lineageOf, nodeOf } from './lineage.ts'

/** Pods of a DaemonSet: bound to their node; only we move them, by evictions. */
export const daemonSet: GateKind = {
  kind: 'DaemonSet',
  resource: resources.daemonSets,
  hashLabel: 'controller-revision-hash',
  evicts: true,
  fields: fieldsOf,
  wanted,
  ours: () => ({}),
  adopt,
  held: () => null,
  read,
  places: () => null,
  letsGo: () => true,
  movedFrom: () => null,
  instances: ({ status }) => numberOr(status?.desiredNumberScheduled, 0),
  placeOf: nodeOf,
  lineage: lineageOf,
}
