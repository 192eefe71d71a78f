import type { JsonObject } from '../../core/json.ts'
import { type ClusterClient, type KubeObject, resources } from '../../infra/kubernetes/index.ts'
import { objectsIn, within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'

type Claim = KubeObject & { readonly spec?: { readonly accessModes?: readonly string[] } }

/**
 * Whether a new pod of a Deployment can run beside the old ones. Not where its chart replaces all at once, where pods
 * take a port of their node, or where they share a volume that one node at a time may have. Throws `ClusterError`.
 */
export async function mayRunBeside(client: ClusterClient, live: Workload): Promise<boolean> {
  if (within(live.spec, 'strategy').type === 'Recreate') return false
  const pod = within(live.spec, 'template', 'spec')
  if (takesHostPort(pod)) return false
  const { namespace = '' } = live.metadata
  const claims = await Promise.all(
    claimNames(pod).map((name) => client.find<Claim>(resources.volumeClaims, { namespace, name })),
  )
  return claims.every((claim) => claim?.spec?.accessModes?.some(isShared) !== false)
}

const isShared = (mode: string): boolean => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany'

/** Pure. */
export function takesHostPort(pod: JsonObject): boolean {
  const ports = objectsIn(pod.containers).flatMap((container) => objectsIn(container.ports))
  return pod.hostNetwork === true || ports.some(({ hostPort }) => typeof hostPort === 'number' && hostPort > 0)
}

/** The claims that a pod's volumes name. Pure. */
export function claimNames(pod: JsonObject): readonly string[] {
  return objectsIn(pod.volumes).flatMap((volume) => {
    const { claimName } = within(volume, 'persistentVolumeClaim')
    return typeof claimName === 'string' ? [claimName] : []
  })
}
