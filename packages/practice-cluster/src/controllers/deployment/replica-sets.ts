import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput } from '../../store/types.ts'
import { controllerRef, millis } from '../decision.ts'
import { hashOf } from '../hash.ts'
import type { Deployment, PodTemplate, ReplicaSet } from '../model.ts'
import { limitsOf, replicasOf } from './limits.ts'

export const HASH_LABEL = 'pod-template-hash'
export const REVISION = 'deployment.kubernetes.io/revision'
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
const DESIRED = 'deployment.kubernetes.io/desired-replicas'
const MAXIMUM = 'deployment.kubernetes.io/max-replicas'

/** What a ReplicaSet does not take over from its Deployment. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED,
  MAXIMUM,
  'deprecated.deployment.rollback.to',
])

/** The ReplicaSets of a Deployment, told apart by template; `current` is missing until it has been made. */
export type Sets = { readonly current: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] }

export const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 1
export const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0
export const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[REVISION] ?? 0) || 0
export const total = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number =>
  sets.reduce((sum, set) => sum + count(set), 0)

/** Oldest first. */
export function byAge(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const age = (set: ReplicaSet) => millis(set.metadata.creationTimestamp)
  return [...sets].sort((a, b) => age(a) - age(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
}

/** Finds the ReplicaSet of the present template: the oldest whose template is the same but for the hash label. */
export function tellApart(deployment: Deployment, owned: readonly ReplicaSet[]): Sets {
  const sorted = byAge(owned)
  const wanted = withoutHash(deployment.spec.template)
  const current = sorted.find((set) => jsonEqual(withoutHash(set.spec.template), wanted))
  return { current, old: sorted.filter((set) => set !== current) }
}

function withoutHash(template: PodTemplate): unknown {
  const { [HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {}
  const { creationTimestamp: __, ...metadata } = (template.metadata ?? {}) as Record<string, unknown>
  return { ...template, metadata: { ...metadata, labels } }
}

/** The ReplicaSet that a Deployment needs for a template that it has not had before. */
export function newReplicaSet(deployment: Deployment, replicas: number, revision: number): KubeInput {
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = hashOf(withoutHash(template), deployment.status?.collisionCount ?? 0)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      labels,
      annotations: { ...copied(deployment), ...scaleNotes(deployment), [REVISION]: String(revision) },
      ownerReferences: [controllerRef(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** The ReplicaSet of the present template as it has to be: newest revision, copied annotations, minReadySeconds. */
export function refreshed(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): ReplicaSet {
  const annotations = { ...current.metadata.annotations, ...copied(deployment) }
  const before = revisionOf(current)
  const newest = Math.max(0, ...old.map(revisionOf)) + 1
  if (before < newest) annotations[REVISION] = String(newest)
  if (before > 0 && before < newest) {
    const history = annotations[REVISION_HISTORY]
    annotations[REVISION_HISTORY] = history === undefined ? String(before) : `${history},${before}`
  }
  const { minReadySeconds: _, ...spec } = current.spec
  const wanted = deployment.spec.minReadySeconds ?? 0
  const ready = wanted === (current.spec.minReadySeconds ?? 0) ? current.spec : { ...spec, minReadySeconds: wanted }
  return { ...current, metadata: { ...current.metadata, annotations }, spec: ready }
}

/** A ReplicaSet at another size, with the notes about the size of the whole Deployment. */
export function scaled(deployment: Deployment, set: ReplicaSet, replicas: number): ReplicaSet {
  const annotations = { ...set.metadata.annotations, ...scaleNotes(deployment) }
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } }
}

/** The size that the Deployment had when it last set this ReplicaSet's. */
export function notedDesired(set: ReplicaSet): number | undefined {
  const text = set.metadata.annotations?.[DESIRED]
  return text === undefined ? undefined : Number(text)
}

/** The most pods that the Deployment allowed when it last set this ReplicaSet's size; 0 when that is not noted. */
export function notedMaximum(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[MAXIMUM] ?? 0) || 0
}

function scaleNotes(deployment: Deployment): Readonly<Record<string, string>> {
  const replicas = replicasOf(deployment)
  return { [DESIRED]: String(replicas), [MAXIMUM]: String(replicas + limitsOf(deployment).surge) }
}

function copied(deployment: Deployment): Record<string, string> {
  const entries = Object.entries(deployment.metadata.annotations ?? {})
  return Object.fromEntries(entries.filter(([key]) => !NOT_COPIED.has(key)))
}
