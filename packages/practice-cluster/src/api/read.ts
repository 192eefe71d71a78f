import { forbiddenValue } from '../resources/validation/errors.ts'
import type { KubeObject, ResourceType } from '../store/types.ts'
import type { Answer, Api, Call, Target } from './call.ts'
import { formOf, type ListMeta, listText, objectText } from './representation.ts'
import { type FieldSelector, parseFieldSelector, selectedName } from './selectors/fields.ts'
import { type LabelSelector, parseLabelSelector } from './selectors/labels.ts'
import { ApiError, badRequest, expired, invalid, notFound } from './status.ts'

/** Which objects a list or watch is about. */
export type Selection = { readonly labels: LabelSelector; readonly fields: FieldSelector }

/** @throws ApiError 400 when a selector does not parse. */
export function selectionOf({ query }: Call, type: ResourceType): Selection {
  return {
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    fields: parseFieldSelector(query.get('fieldSelector') ?? '', type),
  }
}

export function isSelected({ labels, fields }: Selection, object: KubeObject): boolean {
  return labels(object.metadata.labels ?? {}) && fields(object)
}

/** GET of one object. @throws ApiError 404. */
export function getObject(api: Api, call: Call, target: Target): Answer {
  const object = existing(api, target)
  const includeObject = call.query.get('includeObject') ?? 'Metadata'
  return { status: 200, body: objectText(target.type, object, formOf(call.accept), includeObject) }
}

/** The object that a path names. @throws ApiError 404. */
export function existing(api: Api, { type, namespace = '', name = '' }: Target): KubeObject {
  const object = api.store.get(type, namespace, name)
  if (object === undefined) throw notFound(type, name)
  return object
}

/** GET of a list, by pages when `limit` asks for them. */
export function listObjects(api: Api, call: Call, target: Target): Answer {
  requireFresh(api, call)
  const { query } = call
  const page = pageOf(api, call, target)
  const selection = selectionOf(call, target.type)
  const limit = Number(query.get('limit') ?? 0)
  const selected = page.objects.filter((object) => isSelected(selection, object))
  const items = limit > 0 ? selected.slice(0, limit) : selected
  const metadata = listMeta(page.version, selected, items, query)
  if (metadata.continue !== undefined) snapshots.keep(keyOf(target, page.version), page.all)
  const includeObject = query.get('includeObject') ?? 'Metadata'
  return { status: 200, body: listText(target.type, items, metadata, formOf(call.accept), includeObject) }
}

/** @throws ApiError 422 or 504 when the asked resourceVersion makes no sense or lies in the future, 410 in the past. */
export function requireFresh(api: Api, { query }: Call): void {
  const wanted = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  if (match !== '' && wanted === '' && !query.has('sendInitialEvents')) {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided'
    throw invalid('meta.k8s.io', 'ListOptions', '', [forbiddenValue('resourceVersionMatch', why)])
  }
  if (wanted !== '' && !/^\d+$/.test(wanted)) throw badRequest(`invalid resource version: ${wanted}`)
  if (Number(wanted) > api.store.version) throw tooLarge(wanted, api.store.version)
  if (match === 'Exact' && Number(wanted) < api.store.version) {
    throw expired('The resourceVersion for the provided list is too old.')
  }
}

function tooLarge(wanted: string, current: number): ApiError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`
  return new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 })
}

type Page = { readonly version: number; readonly objects: readonly KubeObject[]; readonly all: readonly KubeObject[] }

function pageOf(api: Api, { query }: Call, target: Target): Page {
  const token = query.get('continue') ?? ''
  if (token === '') {
    const all = candidates(api, target, query)
    return { version: api.store.version, objects: all, all }
  }
  const { rv, start } = readToken(token)
  const all = snapshots.get(keyOf(target, rv))
  if (all === undefined) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
        'without the continue parameter.',
    )
  }
  return { version: rv, objects: all.slice(all.findIndex((object) => placeOf(object) === start) + 1), all }
}

function candidates(api: Api, { type, namespace }: Target, query: URLSearchParams): readonly KubeObject[] {
  const name = selectedName(query.get('fieldSelector') ?? '')
  if (name === undefined || (type.namespaced && namespace === undefined)) return api.store.list(type, namespace)
  const object = api.store.get(type, namespace ?? '', name)
  return object === undefined ? [] : [object]
}

function listMeta(
  version: number,
  selected: readonly KubeObject[],
  items: readonly KubeObject[],
  query: URLSearchParams,
): ListMeta {
  const resourceVersion = String(version)
  const last = items.at(-1)
  if (items.length === selected.length || last === undefined) return { resourceVersion }
  const more = { resourceVersion, continue: writeToken(version, placeOf(last)) }
  const selecting = query.has('labelSelector') || query.has('fieldSelector')
  return selecting ? more : { ...more, remainingItemCount: selected.length - items.length }
}

const placeOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

function writeToken(rv: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url')
}

function readToken(token: string): { rv: number; start: string } {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv: number; start: string }
  } catch {
    throw badRequest('continue key is not valid: illegal base64 data')
  }
}

const keyOf = ({ type, namespace }: Target, version: number): string =>
  `${type.group}/${type.plural}/${namespace ?? '*'}@${version}`

const KEPT_SNAPSHOTS = 64

/** The lists that clients are paging through; a stored list is never edited, so keeping one costs little. */
class Snapshots {
  readonly #lists = new Map<string, readonly KubeObject[]>()

  get(key: string): readonly KubeObject[] | undefined {
    return this.#lists.get(key)
  }

  keep(key: string, list: readonly KubeObject[]): void {
    this.#lists.delete(key)
    this.#lists.set(key, list)
    const [oldest] = this.#lists.keys()
    if (this.#lists.size > KEPT_SNAPSHOTS && oldest !== undefined) this.#lists.delete(oldest)
  }
}

const snapshots = new Snapshots()
