import { resources } from '../../../infra/kubernetes/index.ts'
import { numberOr } from '../gate/json.ts'
import type { GateKind } from '../gate/model.ts'
import { adopt, fieldsOf, read, wanted } from './fields.ts'
import { lineageOf } from './lineage.ts'

/** Pods of a StatefulSet: bound to their ordinal, the highest first; a batch is evicted at once. */
export const statefulSet: GateKind = {
  kind: 'StatefulSet',
  resource: resources.statefulSets,
  hashLabel: 'controller-revision-hash',
  evicts: true,
  fields: fieldsOf,
  wanted,
  ours: () => ({}),
  adopt,
  held: () => null,
  read,
  instances: ({ spec }) => numberOr(spec?.replicas, 1),
  placeOf: ({ metadata: { name } }) => name.slice(name.lastIndexOf('-') + 1),
  lineage: async (_, live) => lineageOf(live),
}
