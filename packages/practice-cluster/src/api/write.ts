import { requireNoEscalation } from '../access/escalation.ts'
import { admissionFor } from '../controllers/policy/quota.ts'
import { schemaOf } from '../resources/catalog.ts'
import { decode, type Findings } from '../resources/decode.ts'
import { assigned, completed } from '../resources/prepare.ts'
import { groupVersionOf, isBuiltIn } from '../resources/table.ts'
import { validate } from '../resources/validation/objects.ts'
import type { KubeInput, KubeObject, ResourceType } from '../store/types.ts'
import type { Manager } from './apply/managers.ts'
import { type Write, withUpdatedOwners } from './apply/ownership.ts'
import { type Answer, type Api, type Call, isDryRun, parseBody, type Target } from './call.ts'
import { existing } from './read.ts'
import { formOf, objectText } from './representation.ts'
import { ApiError, badRequest, invalid, resourceDetails } from './status.ts'

/** POST: creates an object. */
export function createObject(api: Api, call: Call, target: Target): Answer {
  const { type } = target
  const input = readObject(call, target)
  const whole = completed(type, withoutServerFields(input), undefined)
  const owned = withUpdatedOwners(undefined, whole, writeOf(api, call, target, 'Update'))
  return storeNew(api, call, target, owned)
}

/** Stores an object whose managers are known. @throws ApiError 422 when it is not valid, 403 when a quota is used up. */
export function storeNew(api: Api, call: Call, target: Target, owned: KubeInput): Answer {
  const { type } = target
  requireValid(type, owned, undefined)
  const whole = assigned(type, owned, undefined, api.allocator)
  requireNoEscalation(api.store, call.user, type, whole)
  requireQuota(api, type, whole)
  return answer(201, call, target, api.store.create(type, whole, { dryRun: isDryRun(call.query) }))
}

function requireQuota({ store }: Api, type: ResourceType, object: KubeInput): void {
  const { allowed, why } = type.namespaced && isBuiltIn(type) ? admissionFor(store, object) : { allowed: 1, why: '' }
  if (allowed === 0) throw new ApiError(403, 'Forbidden', why, resourceDetails(type, object.metadata.name ?? ''))
}

/** PUT: replaces an object, or its status. @throws ApiError 404, 409. */
export function replaceObject(api: Api, call: Call, target: Target): Answer {
  const input = readObject(call, target)
  requireName(input, target)
  return storeUpdate(api, call, target, existing(api, target), input)
}

/** Stores a changed object in the name of the caller; shared by PUT and the patches. */
export function storeUpdate(api: Api, call: Call, target: Target, live: KubeObject, next: KubeInput): Answer {
  const changed = target.subresource === 'status' ? statusOnly(live, next) : finish(api, target.type, live, next)
  const owned = withUpdatedOwners(live, changed, writeOf(api, call, target, 'Update'))
  return answer(200, call, target, save(api, call, target, live, owned))
}

/** Stores what an apply made of an object that exists. */
export function save(api: Api, call: Call, target: Target, live: KubeObject, object: KubeInput): KubeObject {
  const { type, subresource } = target
  requireNoEscalation(api.store, call.user, type, object, live)
  const options = { dryRun: isDryRun(call.query) }
  return subresource === 'status'
    ? api.store.updateStatus(type, object, options)
    : api.store.update(type, object, options)
}

/** The object with defaults and what the server keeps. @throws ApiError 422 when it is not valid. */
export function finish(api: Api, type: ResourceType, live: KubeObject, next: KubeInput): KubeInput {
  const finished = assigned(type, completed(type, next, live), live, api.allocator)
  requireValid(type, finished, live)
  return finished
}

function statusOnly(live: KubeObject, next: KubeInput): KubeInput {
  const { managedFields: _, ...metadata } = live.metadata
  const resourceVersion = next.metadata.resourceVersion ?? ''
  return { ...live, metadata: { ...metadata, resourceVersion }, status: next.status }
}

/** Who writes, and when. */
export function writeOf(
  api: Api,
  call: Call,
  { type, subresource = '' }: Target,
  operation: Manager['operation'],
): Write {
  const name = call.query.get('fieldManager') || call.userAgent.split('/')[0] || 'unknown'
  const manager = { name, operation, apiVersion: groupVersionOf(type), subresource }
  const time = `${api.now().toISOString().slice(0, 19)}Z`
  return {
    schema: schemaOf(type),
    manager,
    time,
    force: call.query.get('force') === 'true',
    ignoreStatus: type.status && subresource !== 'status',
  }
}

/** The answer that shows a stored object. */
export function answer(status: number, call: Call, { type }: Target, object: KubeObject): Answer {
  return { status, body: objectText(type, object, formOf(call.accept), call.query.get('includeObject') ?? 'Metadata') }
}

/** The object in a body, without what its kind does not know. @throws ApiError 400, 422 when it does not belong here. */
function readObject(call: Call, target: Target): KubeInput {
  const body = parseBody(call)
  requireKind(body, target.type)
  const input = checked(body, target.type, call.query)
  const given = input.metadata.namespace ?? ''
  if (given !== '' && given !== (target.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  return inNamespace(input, target)
}

/** A body as an object of the kind. @throws ApiError 400 for wrong types, and for unknown fields when asked to. */
export function checked(body: Record<string, unknown>, type: ResourceType, query: URLSearchParams): KubeInput {
  const { value, findings } = decode(body, schemaOf(type))
  requireDecoded(type, findings, query.get('fieldValidation') === 'Strict')
  const metadata = (value as KubeInput).metadata ?? {}
  return { ...(value as object), apiVersion: groupVersionOf(type), kind: type.kind, metadata }
}

/** The object as lying in the namespace of the path. */
export function inNamespace(input: KubeInput, { type, namespace }: Target): KubeInput {
  if (type.namespaced) return { ...input, metadata: { ...input.metadata, namespace: namespace ?? 'default' } }
  const { namespace: _, ...metadata } = input.metadata
  return { ...input, metadata }
}

function requireKind(body: Record<string, unknown>, type: ResourceType): void {
  const { apiVersion = groupVersionOf(type), kind = type.kind } = body
  if (apiVersion === groupVersionOf(type) && kind === type.kind) return
  const what = `${String(kind)} in version "${String(apiVersion).split('/').at(-1)}"`
  throw badRequest(`${what} cannot be handled as a ${type.kind}: no kind "${String(kind)}" is registered here`)
}

function requireDecoded(type: ResourceType, { unknown, mistyped }: Findings, strict: boolean): void {
  const what = `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: `
  if (mistyped !== undefined) throw badRequest(what + mistyped)
  if (!strict || unknown.length === 0) return
  const fields = unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  throw badRequest(`${what}strict decoding error: ${fields.join(', ')}`)
}

function requireName({ metadata }: KubeInput, { name = '' }: Target): void {
  if (metadata.name === name) return
  if (!metadata.name) throw badRequest(`name in URL (${name}) was not provided in the object`)
  throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
}

/** @throws ApiError 422 when the object is not valid. */
export function requireValid(type: ResourceType, object: KubeInput, old: KubeObject | undefined): void {
  const errors = validate(type, object, old)
  if (errors.length > 0) throw invalid(type.group, type.kind, object.metadata.name ?? '', errors)
}

/** @throws ApiError 400 when a new object claims a resourceVersion. */
export function withoutServerFields(input: KubeInput): KubeInput {
  const { uid: _, resourceVersion = '', creationTimestamp: __, ...metadata } = input.metadata
  if (resourceVersion === '') return { ...input, metadata }
  throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created')
}
