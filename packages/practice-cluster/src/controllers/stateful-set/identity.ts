import { types } from '../../resources/table.ts'
import type { KubeInput, KubeObject } from '../../store/types.ts'
import { controllerRef, type Write } from '../decision.ts'
import type { ClaimTemplate, Pod, StatefulSet } from '../model.ts'
import { podFrom } from '../pod-template.ts'
import type { NamedRevision } from '../revisions.ts'

export const REVISION_LABEL = 'controller-revision-hash'
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const INDEX_LABEL = 'apps.kubernetes.io/pod-index'

export const startOf = (set: StatefulSet): number => set.spec.ordinals?.start ?? 0
export const replicasOf = (set: StatefulSet): number => set.spec.replicas ?? 1
export const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[REVISION_LABEL]

/** The number at the end of a pod's name, or undefined when it is no name of this set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : ''
  return /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : undefined
}

/** The pod of an ordinal, from the template of a revision. */
export function podAt(set: StatefulSet, ordinal: number, revision: NamedRevision): KubeInput {
  const name = `${set.metadata.name}-${ordinal}`
  const labels = { [REVISION_LABEL]: revision.name, [POD_NAME_LABEL]: name, [INDEX_LABEL]: String(ordinal) }
  const { spec, metadata } = revision.template
  const claims = (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    name: template.metadata.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }))
  const taken = new Set(claims.map((each) => each.name))
  const volumes = [...claims, ...(spec.volumes ?? []).filter((each) => !taken.has(each.name))]
  const { serviceName: subdomain } = set.spec
  const identity = { hostname: name, ...(subdomain === undefined ? {} : { subdomain }) }
  const template = {
    ...(metadata === undefined ? {} : { metadata }),
    spec: { ...spec, ...identity, ...(volumes.length === 0 ? {} : { volumes }) },
  }
  return podFrom(set, template, { name, labels })
}

const claimName = (set: StatefulSet, template: ClaimTemplate, ordinal: number): string =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`

/** The claims of an ordinal. They have no owner unless a retention policy wants them to go with the set. */
export function claimsAt(set: StatefulSet, ordinal: number): readonly KubeInput[] {
  const goes = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete'
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? 'default',
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...(goes ? { ownerReferences: [{ ...controllerRef(set), controller: false, blockOwnerDeletion: false }] } : {}),
    },
    spec: template.spec,
    status: { phase: 'Pending' },
  }))
}

/** The removal of the claims of a scaled-away ordinal, when the retention policy says so. */
export function droppedClaims(set: StatefulSet, ordinal: number, claims: readonly KubeObject[]): readonly Write[] {
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return []
  const names = new Set(claimsAt(set, ordinal).map(({ metadata }) => metadata.name))
  return claims
    .filter(({ metadata }) => names.has(metadata.name) && metadata.deletionTimestamp === undefined)
    .map((object): Write => ({ kind: 'delete', type: types.persistentvolumeclaims, object }))
}
