import type { JsonObject } from '../../core/json.ts'
import { type ClusterClient, type KubeObject, resources } from '../../infra/kubernetes/index.ts'
import { objectsIn, within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'

type Claim = KubeObject & { readonly spec?: { readonly accessModes?: readonly string[] } }

/**
 * Why a new pod of a Deployment cannot run beside the old ones; null where it can. `chart`: what the deployed version
 * renders, because a frozen workload says our strategy. Throws `ClusterError`.
 */
export async function whyNotBeside(client: ClusterClient, live: Workload, chart: JsonObject): Promise<string | null> {
  if (replacesAll(live.spec) || replacesAll(within(chart, 'spec'))) return 'spec.strategy.type is Recreate'
  const pod = within(live.spec, 'template', 'spec')
  if (takesHostPort(pod)) return 'its pods take a port of their node'
  const { namespace = '' } = live.metadata
  const claims = await Promise.all(
    claimNames(pod).map((name) => client.find<Claim>(resources.volumeClaims, { namespace, name })),
  )
  const isOneNodes = claims.some((claim) => claim?.spec?.accessModes?.some(isShared) === false)
  return isOneNodes ? 'its pods share a volume that one node at a time may have' : null
}

const replacesAll = (spec: JsonObject | undefined): boolean => within(spec, 'strategy').type === 'Recreate'

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
