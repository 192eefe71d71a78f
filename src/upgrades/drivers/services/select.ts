import { type ClusterClient, type KubeObject, resources } from '../../../infra/kubernetes/index.ts'
import { omit } from '../gate/json.ts'

export type Service = KubeObject & {
  readonly spec?: { readonly type?: string; readonly selector?: Readonly<Record<string, string>> }
}

/** The label that tells the two sides of a Deployment apart. */
export const HASH = 'pod-template-hash'

/** The labels of a pod. */
export type Labels = Readonly<Record<string, string>> | undefined

/** The Services of a namespace that select pods with any of these labels, pinned or not. Throws `ClusterError`. */
export async function selectingServices(
  client: ClusterClient,
  namespace: string,
  labels: readonly Labels[],
): Promise<readonly Service[]> {
  const { items } = await client.list<Service>(resources.services, { namespace })
  return items.filter((service) => labels.some((each) => selects(service, each)))
}

/** True where a Service sends to pods with these labels; a pin does not count. Pure. */
export function selects({ metadata, spec }: Service, labels: Labels): boolean {
  if (spec?.type === 'ExternalName' || metadata.deletionTimestamp !== undefined) return false
  const wanted = Object.entries(omit(spec?.selector ?? {}, HASH))
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value)
}

/** The hash that a Service is pinned to; null without a pin. */
export function hashOf({ spec }: Service): string | null {
  return spec?.selector?.[HASH] ?? null
}
