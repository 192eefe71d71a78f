import { resources } from '../../../infra/kubernetes/index.ts'
import { numberOr } from '../gate/json.ts'
import type { GateKind } from '../gate/model.ts'
import { adopt, fieldsOf, held, ours, read, wanted } from './fields.ts'
import { lineageOf } from './lineage.ts'

/** Pods of a Deployment: any place, chosen by their deletion cost; the controller moves them. */
export const deployment: GateKind = {
  kind: 'Deployment',
  resource: resources.deployments,
  hashLabel: 'pod-template-hash',
  evicts: false,
  fields: fieldsOf,
  wanted,
  ours,
  adopt,
  held,
  read,
  places: () => null,
  letsGo: () => true,
  movedFrom: () => null,
  instances: ({ spec }) => numberOr(spec?.replicas, 1),
  placeOf: () => null,
  lineage: lineageOf,
}
