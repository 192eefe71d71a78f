import type { Instant } from '../../core/instant.ts'
import type { ManifestObject } from './manifest.ts'
import { resources } from './resources.ts'
import type { KubeObject, ObjectMeta, RequestOptions } from './types.ts'
import type { ReadParts } from './workloads.ts'

/** A pod of a workload that is gone. `until`: when its grace period ends; null while nobody has told it to stop yet. */
export type StoppingPod = {
  readonly name: string
  readonly finalizers: readonly string[]
  readonly until: Instant | null
}

/**
 * The pods that workloads which are gone have left: the garbage collector tells them to stop, and they may take as long as
 * their grace period. Known by who owns them, for a label may be on pods of others too. Throws `ClusterError`.
 */
export async function readStoppingPods(
  { client }: Pick<ReadParts, 'client'>,
  gone: readonly ManifestObject[],
  namespace: string,
  options: RequestOptions,
): Promise<readonly StoppingPod[]> {
  const owners = gone.filter((object) => (object.namespace ?? namespace) === namespace).flatMap(ownerOf)
  if (owners.length === 0) return []
  const { items } = await client.listMetadata(resources.pods, { namespace }, options)
  return items.filter(({ metadata }) => owners.some((isOwned) => isOwned(metadata))).map(stoppingPod)
}

function stoppingPod({ metadata: { name, finalizers = [], deletionTimestamp } }: KubeObject): StoppingPod {
  return { name, finalizers, until: deletionTimestamp === undefined ? null : Date.parse(deletionTimestamp) }
}

type Owns = (pod: ObjectMeta) => boolean

/** By kind: how the controller of a pod is named after the workload that the chart names. */
const controllers: Readonly<Record<string, (name: string, pod: ObjectMeta) => readonly [kind: string, name: RegExp]>> =
  {
    Deployment: (name, { labels }) => ['ReplicaSet', exactly(`${name}-${labels?.['pod-template-hash'] ?? ''}`)],
    ReplicaSet: (name) => ['ReplicaSet', exactly(name)],
    StatefulSet: (name) => ['StatefulSet', exactly(name)],
    DaemonSet: (name) => ['DaemonSet', exactly(name)],
    ReplicationController: (name) => ['ReplicationController', exactly(name)],
    Job: (name) => ['Job', exactly(name)],
    CronJob: (name) => ['Job', new RegExp(`^${literal(name)}-[0-9]+$`)],
  }

function ownerOf({ kind, name, hook }: ManifestObject): readonly Owns[] {
  const controller = hook === null ? controllers[kind] : undefined
  if (controller === undefined) return []
  return [
    (pod) => {
      const [ownerKind, ownerName] = controller(name, pod)
      const owner = pod.ownerReferences?.find((one) => one.controller === true)
      return owner?.kind === ownerKind && ownerName.test(owner.name)
    },
  ]
}

const literal = (text: string): string => text.replace(/[^a-z0-9-]/gi, '\\$&')
const exactly = (name: string): RegExp => new RegExp(`^${literal(name)}$`)
