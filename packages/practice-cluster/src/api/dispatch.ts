import { customKinds } from '../resources/custom/kinds.ts'
import { allTypes, types } from '../resources/table.ts'
import type { ResourceType } from '../store/types.ts'
import { VERSION } from '../version.ts'
import type { Api, Call, Outcome, Target } from './call.ts'
import { flag } from './call.ts'
import { discovery } from './discovery.ts'
import { evictPod } from './evict.ts'
import { podLog } from './logs.ts'
import { openApiV2 } from './openapi/v2.ts'
import { openApi } from './openapi/v3.ts'
import { patchObject } from './patch.ts'
import { proxyPod } from './proxy.ts'
import { getObject, listObjects } from './read.ts'
import { deleteObject, deleteObjects } from './remove.ts'
import { review } from './reviews.ts'
import { scaleObject } from './scale.ts'
import { methodNotAllowed, notAcceptable, unknownPath } from './status.ts'
import { type Kinds, kindsOf, parseTarget } from './target.ts'
import { requestToken } from './token.ts'
import { watchObjects } from './watch.ts'
import { createObject, replaceObject } from './write.ts'

type Handler = (api: Api, call: Call, target: Target) => Outcome

const builtIn = kindsOf(allTypes)

/** Answers one request of the Kubernetes API. @throws ApiError whatever the API refuses. */
export function dispatch(api: Api, call: Call): Outcome {
  const { path } = call
  if (path === '/version') return { status: 200, body: JSON.stringify(VERSION) }
  if (path === '/livez' || path === '/readyz' || path === '/healthz') {
    return { status: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' }
  }
  return documentOf(api, call) ?? review(api, call) ?? objects(api, call)
}

function documentOf({ store }: Api, call: Call): Outcome {
  if (call.method !== 'GET') return undefined
  const custom = customKinds(store)
  if (call.path.startsWith('/openapi/')) return openApiOf(call, custom)
  const found = discovery(call.path.length > 1 ? call.path.replace(/\/$/, '') : call.path, call.accept, custom)
  return found === undefined ? undefined : { status: 200, ...found, headers: { vary: 'Accept' } }
}

function openApiOf({ path, query, accept, ifNoneMatch }: Call, custom: readonly ResourceType[]): Outcome {
  const document = path === '/openapi/v2' ? openApiV2(accept, custom) : openApi(path, custom)
  if (document === undefined) throw path === '/openapi/v2' ? notAcceptable() : unknownPath()
  const { etag, ...content } = document
  if (ifNoneMatch === etag) return { status: 304, body: '' }
  const cached = query.has('hash') ? { 'cache-control': 'public, immutable' } : { 'cache-control': 'no-cache, private' }
  return { status: 200, ...content, headers: { etag, vary: 'Accept', ...cached } }
}

function objects(api: Api, call: Call): Outcome {
  const kinds: Kinds = (groupVersion, plural) =>
    builtIn(groupVersion, plural) ?? kindsOf(customKinds(api.store))(groupVersion, plural)
  const target = call.path.startsWith('/api') ? parseTarget(call.path, kinds) : undefined
  if (target === undefined) throw unknownPath()
  return handlerOf(call, target)(api, call, target)
}

const COLLECTION: Readonly<Record<string, Handler>> = {
  GET: (api, call, target) => (flag(call.query, 'watch') ? watchObjects : listObjects)(api, call, target),
  POST: createObject,
  DELETE: deleteObjects,
}

const OBJECT: Readonly<Record<string, Handler>> = {
  GET: getObject,
  PUT: replaceObject,
  PATCH: patchObject,
  DELETE: deleteObject,
}

const STATUS: Readonly<Record<string, Handler>> = { GET: getObject, PUT: replaceObject, PATCH: patchObject }

const POD: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  log: { GET: podLog },
  eviction: { POST: evictPod },
  proxy: everyMethod(proxyPod),
}

function everyMethod(handler: Handler): Readonly<Record<string, Handler>> {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
  return Object.fromEntries(methods.map((method) => [method, handler]))
}

/** @throws ApiError 404 for a subresource that the kind lacks, 405 for a method that it lacks. */
function handlerOf(call: Call, target: Target): Handler {
  const handler = handlersOf(target)[call.method]
  if (handler === undefined) throw methodNotAllowed()
  return handler
}

function handlersOf({ type, name, subresource }: Target): Readonly<Record<string, Handler>> {
  if (name === undefined) return COLLECTION
  if (subresource === undefined) return OBJECT
  if (subresource === 'status' && type.status) return STATUS
  if (subresource === 'scale' && type.scale) return { GET: scaleObject, PUT: scaleObject, PATCH: scaleObject }
  if (subresource === 'token' && type === types.serviceaccounts) return { POST: requestToken }
  const own = type === types.pods ? POD[subresource] : undefined
  if (own === undefined) throw unknownPath()
  return own
}
