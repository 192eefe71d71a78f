import { type ScalePaths, versionOf } from '../resources/custom/kinds.ts'
import type { KubeInput, KubeObject, ResourceType } from '../store/types.ts'
import type { Answer, Api, Call, Target } from './call.ts'
import { parseBody } from './call.ts'
import { patched } from './patch.ts'
import { existing } from './read.ts'
import { formOf } from './representation.ts'
import { methodNotAllowed } from './status.ts'
import { SCALE_COLUMNS } from './table/columns.ts'
import { tableText, tableWith } from './table/table.ts'
import { storeUpdate } from './write.ts'

type Values = Readonly<Record<string, unknown>>

/** GET, PUT and PATCH of `…/scale`. */
export function scaleObject(api: Api, call: Call, target: Target): Answer {
  const live = existing(api, target)
  if (call.method === 'GET') return answerOf(call, target, live)
  const next =
    call.method === 'PUT' ? parseBody(call) : call.method === 'PATCH' ? patchedScale(live, call, target) : undefined
  if (next === undefined) throw methodNotAllowed()
  storeUpdate(api, call, target, live, withReplicas(target, live, next))
  return answerOf(call, target, existing(api, target))
}

function answerOf(call: Call, { type }: Target, object: KubeObject): Answer {
  const scale = scaleOf(type, object)
  if (formOf(call.accept) !== 'Table') return { status: 200, body: JSON.stringify(scale) }
  const table = tableWith(SCALE_COLUMNS, [scale], call.query.get('includeObject') ?? 'Metadata')
  return { status: 200, body: tableText(table, object.metadata.resourceVersion) }
}

function patchedScale(live: KubeObject, call: Call, target: Target): Values {
  return patched(scaleOf(target.type, live), call, target) as Values
}

function withReplicas({ type }: Target, live: KubeObject, scale: Values): KubeInput {
  const { replicas = 0 } = (scale.spec ?? {}) as Values
  const { resourceVersion } = (scale.metadata ?? {}) as { resourceVersion?: string }
  const metadata = { ...live.metadata, resourceVersion: resourceVersion ?? live.metadata.resourceVersion }
  return { ...(withValue(live, stepsOf(pathsOf(type).specReplicasPath), replicas) as KubeObject), metadata }
}

/** Where built-in kinds have what a scale shows; a definition names other places. */
const PATHS: ScalePaths = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' }
const pathsOf = (type: ResourceType): ScalePaths => versionOf(type)?.subresources?.scale ?? PATHS

/** Such a path is fields and dots only: the API server refuses anything else in a definition. */
const stepsOf = (path: string): readonly string[] => path.split('.').filter((step) => step !== '')

const valueAt = (value: unknown, [step, ...rest]: readonly string[]): unknown =>
  step === undefined ? value : valueAt(((value ?? {}) as Values)[step], rest)

const withValue = (value: unknown, [step, ...rest]: readonly string[], set: unknown): unknown =>
  step === undefined ? set : { ...(value as Values), [step]: withValue(((value ?? {}) as Values)[step], rest, set) }

function selectorOf(type: ResourceType, object: KubeObject): unknown {
  const path = versionOf(type)?.subresources?.scale?.labelSelectorPath
  if (path !== undefined) return valueAt(object, stepsOf(path))
  const { matchLabels = {} } = (((object.spec ?? {}) as Values).selector ?? {}) as { matchLabels?: Values }
  return Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

function scaleOf(type: ResourceType, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const { specReplicasPath, statusReplicasPath } = pathsOf(type)
  const wanted = valueAt(object, stepsOf(specReplicasPath)) ?? 0
  const selector = selectorOf(type, object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: wanted === 0 ? {} : { replicas: wanted },
    status: {
      replicas: valueAt(object, stepsOf(statusReplicasPath)) ?? 0,
      ...(selector === undefined ? {} : { selector }),
    },
  }
}
