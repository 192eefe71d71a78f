import type { KubeInput, KubeObject, ObjectMeta } from '../store/types.ts'
import { controllerRef } from './decision.ts'
import type { PodSpec, PodTemplate } from './model.ts'

/** The pod that `owner` makes from a template, with a generated name. */
export function podFrom(owner: KubeObject, template: PodTemplate, metadata: Partial<ObjectMeta> = {}): KubeInput {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(metadata.name === undefined ? { generateName: `${owner.metadata.name}-` } : {}),
      namespace: owner.metadata.namespace ?? 'default',
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerRef(owner)],
      ...metadata,
      labels: { ...labels, ...metadata.labels },
    },
    spec: withDefaults(template.spec),
    status: { phase: 'Pending' },
  }
}

function withDefaults(spec: PodSpec): PodSpec {
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    serviceAccountName: 'default',
    ...spec,
  } as PodSpec
}
