import { attributesOf } from '../access/attributes.ts'
import { requireAllowed } from '../access/authorize.ts'
import { schemaOf } from '../resources/catalog.ts'
import { decode } from '../resources/decode.ts'
import { completed } from '../resources/prepare.ts'
import { groupVersionOf, isBuiltIn, qualifiedName } from '../resources/table.ts'
import { requiredValue } from '../resources/validation/errors.ts'
import type { KubeInput, KubeObject } from '../store/types.ts'
import { applied } from './apply/ownership.ts'
import { type Answer, type Api, type Call, parseBody, type Target } from './call.ts'
import { jsonPatch } from './patch/json.ts'
import { mergePatch } from './patch/merge.ts'
import { strategicMergePatch } from './patch/strategic.ts'
import { existing } from './read.ts'
import { ApiError, badRequest, invalid, resourceDetails } from './status.ts'
import {
  answer,
  checked,
  finish,
  inNamespace,
  save,
  storeNew,
  storeUpdate,
  withoutServerFields,
  writeOf,
} from './write.ts'

type Patch = (live: KubeObject, call: Call, target: Target) => unknown

/** A strategic merge patch needs to know how lists merge, which custom kinds do not say. */
const STRATEGIC = 'application/strategic-merge-patch+json'

const PATCHES: Readonly<Record<string, Patch>> = {
  'application/json-patch+json': (live, call) => jsonPatch(live, JSON.parse(call.body.toString('utf8'))),
  'application/merge-patch+json': (live, call) => mergePatch(live, parseBody(call)),
  [STRATEGIC]: (live, call, { type }) => strategicMergePatch(live, parseBody(call), schemaOf(type)),
}

/** The patch that a content type names, as applied to any value. @throws ApiError 415. */
export function patched(live: KubeObject, call: Call, target: Target): unknown {
  const format = call.contentType.split(';')[0]?.trim() ?? ''
  const patch = PATCHES[format]
  const unfit = format === STRATEGIC && !isBuiltIn(target.type)
  if (patch === undefined || unfit) throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
  return patch(live, call, target)
}

/** PATCH of an object or its status, in any of the four kinds. */
export function patchObject(api: Api, call: Call, target: Target): Answer {
  if (call.contentType.startsWith('application/apply-patch')) return applyObject(api, call, target)
  const live = existing(api, target)
  const next = checked(patched(live, call, target) as Record<string, unknown>, target.type, call.query)
  return storeUpdate(api, call, target, live, next)
}

/** Server-side apply: creates the object or lays the configuration over it. */
function applyObject(api: Api, call: Call, target: Target): Answer {
  requireManager(call)
  const { type, name = '', namespace = '' } = target
  const config = readConfig(call, target)
  const live = api.store.get(type, type.namespaced ? namespace : '', name)
  if (live === undefined && target.subresource !== undefined) existing(api, target)
  requireVersion(target, config, live)
  const write = writeOf(api, call, target, 'Apply')
  if (live !== undefined) {
    const whole =
      target.subresource === 'status' ? (each: KubeInput) => each : (each: KubeInput) => finish(api, type, live, each)
    return answer(200, call, target, save(api, call, target, live, applied(live, config, write, whole)))
  }
  requireAllowed(api.store, call.user, { ...attributesOf(call), verb: 'create' })
  const next = applied(undefined, config, write, (each) => completed(type, withoutServerFields(each), undefined))
  return storeNew(api, call, target, next)
}

function requireManager({ query }: Call): void {
  if (query.get('fieldManager')) return
  const why = requiredValue('fieldManager', 'is required for apply patch')
  throw invalid('meta.k8s.io', 'PatchOptions', '', [why])
}

/** What the manager wants, checked against the schema. @throws ApiError 400 or 500, worded as the API server does. */
function readConfig(call: Call, target: Target): KubeInput {
  const { type, name = '', namespace = '' } = target
  const body = parseBody({ ...call, contentType: 'application/yaml' })
  const given = (body.metadata ?? {}) as { name?: string; namespace?: string }
  const { value, findings } = decode(body, schemaOf(type))
  const what = `(${given.namespace ?? ''}/${given.name ?? ''}; ${groupWithSlash(type.group)}${type.version}, Kind=${type.kind})`
  const [unknown] = findings.unknown
  if (unknown !== undefined) {
    const why = `.${unknown}: field not declared in schema`
    throw new ApiError(500, '', `failed to create typed patch object ${what}: ${why}`)
  }
  if (findings.mistyped !== undefined) {
    throw new ApiError(500, '', `failed to create typed patch object ${what}: ${findings.mistyped}`)
  }
  if (given.name !== undefined && given.name !== name) {
    throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`)
  }
  if (given.namespace && given.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const metadata = { ...(value as KubeInput).metadata, name }
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  return inNamespace({ ...(value as object), apiVersion: groupVersionOf(type), kind: type.kind, metadata }, target)
}

const groupWithSlash = (group: string): string => `${group}/`

/** An apply may name the object that it was made for. @throws ApiError 409 when that is gone. */
function requireVersion({ type }: Target, { metadata }: KubeInput, live: KubeObject | undefined): void {
  if (live !== undefined || !metadata.uid) return
  const name = metadata.name ?? ''
  const why = `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`
  const message = `Operation cannot be fulfilled on ${qualifiedName(type)} "${name}": ${why}`
  throw new ApiError(409, 'Conflict', message, resourceDetails(type, name))
}
