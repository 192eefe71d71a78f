import type { Clock } from '../../core/instant.ts'
import type { Json } from '../../core/json.ts'
import { ClusterError } from './errors.ts'
import { evictionAnswer, evictionOf } from './eviction.ts'
import { listAll } from './list.ts'
import { accept } from './media.ts'
import { probePod } from './probe.ts'
import { type Ask, createRequester, type Requester } from './request.ts'
import { apiVersionOf, collectionPath, objectPath } from './resources.ts'
import { parseObject } from './status.ts'
import { createTransport, type Transport } from './transport.ts'
import type {
  ClusterClient,
  ClusterEndpoint,
  DeleteOptions,
  Eviction,
  EvictionAnswer,
  KubeObject,
  ListOptions,
  ObjectName,
  Page,
  Patch,
  PodAddress,
  Probed,
  RequestOptions,
  Resource,
  Selection,
} from './types.ts'

export type ClientParts = {
  readonly endpoint: ClusterEndpoint
  readonly clock: Clock
  /** Between 0 and 1. */
  readonly random?: () => number
  /** Another transport, for faults in tests. */
  readonly transport?: Transport
}

/** A client of one cluster. */
export function createClient({ endpoint, clock, random = Math.random, transport }: ClientParts): ClusterClient {
  return new RestClient(endpoint, transport ?? createTransport(endpoint), clock, random)
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML, and this is the only media type of it that every server knows.
  apply: 'application/apply-patch+yaml',
} as const satisfies Record<Patch['type'], string>

class RestClient implements ClusterClient {
  readonly endpoint: ClusterEndpoint
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #requester: Requester

  constructor(endpoint: ClusterEndpoint, transport: Transport, clock: Clock, random: () => number) {
    this.endpoint = endpoint
    this.#transport = transport
    this.#clock = clock
    this.#requester = createRequester(transport, clock, random)
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<T> {
    return this.#object(read(objectPath(resource, name), accept.json), options)
  }

  find<T extends KubeObject>(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<T | null> {
    return orNull(this.get<T>(resource, name, options))
  }

  findMetadata(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<KubeObject | null> {
    return orNull(this.#object<KubeObject>(read(objectPath(resource, name), accept.metadata), options))
  }

  list<T extends KubeObject>(resource: Resource, selection: Selection, options?: ListOptions): Promise<Page<T>> {
    return listAll<T>(this.#requester, resource, selection, accept.json, options)
  }

  listMetadata(resource: Resource, selection: Selection, options?: ListOptions): Promise<Page<KubeObject>> {
    return listAll(this.#requester, resource, selection, accept.metadataList, options)
  }

  create<T extends KubeObject>(resource: Resource, object: T, options?: RequestOptions): Promise<T> {
    const path = collectionPath(resource, object.metadata.namespace)
    return this.#object(write('POST', path, typed(resource, object)), options)
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options?: RequestOptions): Promise<T> {
    return this.#object(write('PUT', objectPath(resource, object.metadata), typed(resource, object)), options)
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    patch: Patch,
    options?: RequestOptions,
  ): Promise<T> {
    const query = new URLSearchParams()
    if (patch.fieldManager !== undefined) query.set('fieldManager', patch.fieldManager)
    if (patch.type === 'apply' && patch.force === true) query.set('force', 'true')
    if (patch.type === 'apply' && patch.dryRun === true) query.set('dryRun', 'All')
    const path = `${objectPath(resource, name)}${query.size === 0 ? '' : `?${query}`}`
    return this.#object(write('PATCH', path, patch.body, patchTypes[patch.type]), options)
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<boolean> {
    const { preconditions, propagation, gracePeriodSeconds } = options
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    }
    const ask = write('DELETE', objectPath(resource, name), body)
    return (await orNull(this.#requester.send(ask, options))) !== null
  }

  async evict(pod: Eviction, { dryRun = false, ...options }: RequestOptions & { dryRun?: boolean } = {}) {
    const { path, body } = evictionOf(pod, dryRun)
    try {
      await this.#requester.send(write('POST', path, body), options)
      return { kind: 'allowed' } satisfies EvictionAnswer
    } catch (error) {
      return evictionAnswer(error)
    }
  }

  probe(pod: PodAddress, options?: RequestOptions): Promise<Probed> {
    return probePod(this.#transport, this.#clock, pod, options)
  }

  text(path: string, options?: RequestOptions & { maxBytes?: number }): Promise<string> {
    return this.#requester.send(read(path, '*/*'), options)
  }

  async #object<T extends KubeObject>(ask: Ask, options: RequestOptions | undefined): Promise<T> {
    const object = parseObject(await this.#requester.send(ask, options), ask.path)
    // The server has validated it; every field that a caller's type names is optional.
    return object as unknown as T
  }
}

const read = (path: string, accepted: string): Ask => ({ method: 'GET', path, headers: { accept: accepted } })

function write(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body: Json, type = 'application/json'): Ask {
  return { method, path, headers: { accept: accept.json, 'content-type': type }, body: JSON.stringify(body) }
}

function typed(resource: Resource, object: KubeObject): Json {
  return { ...(object as unknown as Record<string, Json>), apiVersion: apiVersionOf(resource), kind: resource.kind }
}

/** Null only for an object that the server says is not there. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ClusterError && error.isAbsent) return null
    throw error
  }
}
