import type { ServerResponse } from 'node:http'
import { groupVersionOf } from '../resources/table.ts'
import type { Change, KubeObject, ResourceType } from '../store/types.ts'
import { type Api, type Call, flag, type Target } from './call.ts'
import { isSelected, requireFresh, type Selection, selectionOf } from './read.ts'
import { type Form, formOf, objectText } from './representation.ts'
import { ApiError, badRequest, statusBody } from './status.ts'

const BOOKMARK_EVERY_MS = 60_000
const LONGEST_SECONDS = 3600
/** A client that does not read for so long loses its watch, and lists again. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024

type Verb = Change['verb']

/** Answers a watch: the past or the present first, then each change until the client leaves or the time is over. */
export function watchObjects(api: Api, call: Call, target: Target): undefined {
  requireFresh(api, call)
  const start = Number(call.query.get('resourceVersion') ?? 0)
  const stream = new EventStream(call, target, selectionOf(call, target.type))
  const initial = flag(call.query, 'sendInitialEvents')
  if (initial && call.query.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw badRequest('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  }
  const missed = initial || start === 0 ? [] : api.hub.since(target.type, start)
  stream.open()
  if (missed === undefined) return stream.expire(start, api.store.version)
  if (initial || start === 0) stream.present(api.store.list(target.type, target.namespace))
  if (initial) stream.bookmark(api.store.version, true)
  for (const change of missed) stream.change(change)
  follow(api, call, target, stream)
  return undefined
}

function follow(api: Api, { query, response }: Call, { type }: Target, stream: EventStream): void {
  const bookmarks = flag(query, 'allowWatchBookmarks')
  const bookmark = () => bookmarks && stream.bookmark(api.hub.version, false)
  const seconds = Math.min(Number(query.get('timeoutSeconds') ?? 0) || LONGEST_SECONDS, LONGEST_SECONDS)
  const stop = api.hub.watch(type, (change) => stream.change(change))
  const ticking = setInterval(bookmark, BOOKMARK_EVERY_MS).unref()
  const ending = setTimeout(() => {
    bookmark()
    response.end()
  }, seconds * 1000).unref()
  response.once('close', () => {
    stop()
    clearInterval(ticking)
    clearTimeout(ending)
  })
}

/** What a watch last saw of an object that has left its selection, at the version of the change. */
function lastSeen(old: KubeObject, { metadata }: KubeObject): KubeObject {
  return { ...old, metadata: { ...old.metadata, resourceVersion: metadata.resourceVersion } }
}

class EventStream {
  readonly #response: ServerResponse
  readonly #type: ResourceType
  readonly #namespace: string | undefined
  readonly #selection: Selection
  readonly #form: Form
  readonly #includeObject: string

  constructor({ response, accept, query }: Call, { type, namespace }: Target, selection: Selection) {
    this.#response = response
    this.#type = type
    this.#namespace = namespace
    this.#selection = selection
    this.#form = formOf(accept)
    this.#includeObject = query.get('includeObject') ?? 'Metadata'
  }

  open(): void {
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    this.#response.flushHeaders()
  }

  /** The objects of now, as if each had just appeared. */
  present(objects: readonly KubeObject[]): void {
    for (const object of objects) if (isSelected(this.#selection, object)) this.#send('ADDED', object)
  }

  /** A change as this watch sees it: what leaves the selection is deleted, what enters it is added. */
  change({ verb, object, old }: Change): void {
    if (this.#namespace !== undefined && object.metadata.namespace !== this.#namespace) return
    const before = old !== undefined && isSelected(this.#selection, old)
    const now = verb !== 'DELETED' && isSelected(this.#selection, object)
    if (now) this.#send(before ? 'MODIFIED' : 'ADDED', object)
    else if (before) this.#send('DELETED', verb === 'DELETED' ? object : lastSeen(old, object))
  }

  bookmark(version: number, initialEnd: boolean): void {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
    const partial = this.#form === 'PartialObjectMetadata'
    const kind = partial ? 'PartialObjectMetadata' : this.#type.kind
    const apiVersion = partial ? 'meta.k8s.io/v1' : groupVersionOf(this.#type)
    const object = { kind, apiVersion, metadata: { resourceVersion: String(version), ...annotations } }
    this.#write(`{"type":"BOOKMARK","object":${JSON.stringify(object)}}\n`)
  }

  expire(wanted: number, oldest: number): undefined {
    const error = new ApiError(410, 'Expired', `too old resource version: ${wanted} (${oldest})`)
    this.#response.end(`{"type":"ERROR","object":${JSON.stringify(statusBody(error))}}\n`)
  }

  #send(verb: Verb, object: KubeObject): void {
    const text = objectText(this.#type, object, this.#form, this.#includeObject)
    this.#write(`{"type":"${verb}","object":${text}}\n`)
  }

  #write(line: string): void {
    if (this.#response.writableLength > MOST_UNREAD_BYTES) this.#response.destroy()
    else this.#response.write(line)
  }
}
