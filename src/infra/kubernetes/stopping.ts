import type { Instant } from '../../core/instant.ts'
import type { ManifestObject } from './manifest.ts'
import { mapParallel } from './parallel.ts'
import { literal } from './patterns.ts'
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
  parts: ReadParts,
  gone: readonly ManifestObject[],
  namespace: string,
  options: RequestOptions,
): Promise<readonly StoppingPod[]> {
  const owners = gone.filter((object) => (object.namespace ?? namespace) === namespace).flatMap(ownerOf)
  if (owners.length === 0) return []
  const { items } = await parts.client.listMetadata(resources.pods, { namespace }, options)
  const pods = items.filter(({ metadata }) => owners.some((isOwned) => isOwned(metadata)))
  const staying = await readStaying(parts, pods, namespace, options)
  return pods.filter(({ metadata }) => !staying.has(controllerOf(metadata)?.uid ?? '')).map(stoppingPod)
}

/**
 * The controllers that do not go with their workload, by UID: whoever deletes with `--cascade=orphan` leaves a ReplicaSet
 * that nobody controls, and a Job that somebody named like those of a CronJob never had a controller.
 */
async function readStaying(
  { client, discovery }: ReadParts,
  pods: readonly KubeObject[],
  namespace: string,
  options: RequestOptions,
): Promise<ReadonlySet<string>> {
  const controllers = new Map(pods.flatMap(({ metadata }) => controllerOf(metadata) ?? []).map((one) => [one.uid, one]))
  const stay = await mapParallel([...controllers.values()], AT_ONCE, async ({ apiVersion = '', kind, name, uid }) => {
    const resource = await discovery.find(apiVersion, kind, options)
    const live = resource === null ? null : await client.findMetadata(resource, { namespace, name }, options)
    if (live === null || live.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined) return []
    return controllerOf(live.metadata) === undefined ? [uid] : []
  })
  return new Set(stay.flat())
}

const AT_ONCE = 8

const controllerOf = ({ ownerReferences }: ObjectMeta) => ownerReferences?.find(({ controller }) => controller === true)

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
      const owner = controllerOf(pod)
      return owner?.kind === ownerKind && ownerName.test(owner.name)
    },
  ]
}

const exactly = (name: string): RegExp => new RegExp(`^${literal(name)}$`)
