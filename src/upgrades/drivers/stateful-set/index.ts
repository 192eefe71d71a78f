import { resources } from '../../../infra/kubernetes/index.ts'
import type { GateKind } from '../gate/model.ts'
import { adopt, fieldsOf, partitionOf, read, replicasOf, wanted } from './fields.ts'
import { lineageOf } from './lineage.ts'
import { indexOf, movedFrom, ordinalIn, placesOf } from './places.ts'

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
  instances: replicasOf,
  places: placesOf,
  letsGo: (live, { metadata }) => indexOf(live, metadata.name) >= partitionOf(live),
  movedFrom,
  placeOf: ({ metadata: { name } }) => ordinalIn(name),
  lineage: async (_, live) => lineageOf(live),
}
