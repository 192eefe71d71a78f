import type { KubeInput, KubeObject } from '../store/types.ts'
import type { Answer, Api, Call, Target } from './call.ts'
import { parseBody } from './call.ts'
import { patched } from './patch.ts'
import { existing } from './read.ts'
import { methodNotAllowed } from './status.ts'
import { storeUpdate } from './write.ts'

type Spec = {
  readonly replicas?: number
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
}

/** GET, PUT and PATCH of `…/scale`. */
export function scaleObject(api: Api, call: Call, target: Target): Answer {
  const live = existing(api, target)
  if (call.method === 'GET') return { status: 200, body: JSON.stringify(scaleOf(live)) }
  const next =
    call.method === 'PUT' ? parseBody(call) : call.method === 'PATCH' ? patchedScale(live, call, target) : undefined
  if (next === undefined) throw methodNotAllowed()
  storeUpdate(api, call, target, live, withReplicas(live, next))
  return { status: 200, body: JSON.stringify(scaleOf(existing(api, target))) }
}

function patchedScale(live: KubeObject, call: Call, target: Target): Record<string, unknown> {
  return patched(scaleOf(live) as unknown as KubeObject, call, target) as Record<string, unknown>
}

function withReplicas(live: KubeObject, scale: Record<string, unknown>): KubeInput {
  const { replicas = 0 } = (scale.spec ?? {}) as Spec
  const { resourceVersion } = (scale.metadata ?? {}) as { resourceVersion?: string }
  const metadata = { ...live.metadata, resourceVersion: resourceVersion ?? live.metadata.resourceVersion }
  return { ...live, metadata, spec: { ...(live.spec as Spec), replicas } }
}

function scaleOf(object: KubeObject): Record<string, unknown> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const { replicas, selector } = (object.spec ?? {}) as Spec
  const observed = ((object.status ?? {}) as Spec).replicas ?? 0
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined || replicas === 0 ? {} : { replicas },
    status: { replicas: observed, selector: labels.join(',') },
  }
}
