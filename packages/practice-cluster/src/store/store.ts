import { randomInt, randomUUID } from 'node:crypto'
import { qualifiedName, types } from '../resources/table.ts'
import { ChangeFeed } from './changes.ts'
import { Collection } from './collection.ts'
import { jsonEqual } from './equal.ts'
import { atVersion, markedDeleted, newObject, replacedObject, withStatus } from './metadata.ts'
import { OwnerIndex } from './owners.ts'
import {
  type Change,
  type DeleteOptions,
  type Deletion,
  type KubeInput,
  type KubeObject,
  type Listener,
  type Preconditions,
  type ResourceType,
  type Store,
  type StoredRef,
  StoreError,
  type WriteOptions,
} from './types.ts'

/** What outlives the process: `save` returns once the change is with the operating system. */
export interface Journal {
  save(change: Change): void
}

export type StoreOptions = {
  readonly journal?: Journal
  /** What an earlier process saved, and the version it had reached. */
  readonly restored?: { readonly version: number; readonly objects: readonly StoredRef[] }
  readonly now?: () => Date
  readonly onListenerError?: (error: unknown) => void
}

/** Opens a store on what was saved before; with no options it is empty and forgets everything at the end. */
export function openStore(options: StoreOptions = {}): Store {
  return new MemoryStore(options)
}

const GRACE_OF_FINALIZERS = 0

class MemoryStore implements Store {
  readonly #collections = new Map<string, Collection>()
  readonly #owners = new OwnerIndex()
  readonly #feed: ChangeFeed
  readonly #journal: Journal | undefined
  readonly #now: () => Date
  #version: number

  constructor({ journal, restored, now, onListenerError }: StoreOptions) {
    this.#feed = new ChangeFeed(onListenerError ?? ((error) => console.error(error)))
    this.#journal = journal
    this.#now = now ?? (() => new Date())
    this.#version = restored?.version ?? 1
    for (const { type, object } of restored?.objects ?? []) this.#put(type, undefined, object)
  }

  get version(): number {
    return this.#version
  }

  get(type: ResourceType, namespace: string, name: string): KubeObject | undefined {
    return this.#collections.get(qualifiedName(type))?.get(namespace, name)
  }

  list(type: ResourceType, namespace?: string): readonly KubeObject[] {
    return this.#collections.get(qualifiedName(type))?.list(namespace) ?? []
  }

  dependents(ownerUid: string): readonly StoredRef[] {
    return this.#owners.of(ownerUid)
  }

  create(type: ResourceType, input: KubeInput, options: WriteOptions = {}): KubeObject {
    const name = this.#freeName(type, input)
    this.#requireNamespace(type, input, name)
    const birth = { name, uid: randomUUID(), at: this.#timestamp(), version: this.#version + 1 }
    const object = newObject(type, type === types.namespaces ? heldNamespace(input) : input, birth)
    return this.#commit('ADDED', type, undefined, object, options)
  }

  update(type: ResourceType, input: KubeInput, options: WriteOptions = {}): KubeObject {
    const old = this.#writable(type, input)
    const next = replacedObject(type, old, input)
    if (isFinished(next) && !isNamespaceHeld(type, next)) return this.#remove(type, old, next, options).object
    return this.#replace(type, old, next, options)
  }

  updateStatus(type: ResourceType, input: KubeInput, options: WriteOptions = {}): KubeObject {
    const old = this.#writable(type, input)
    return this.#replace(type, old, withStatus(old, input), options)
  }

  delete(type: ResourceType, namespace: string, name: string, options: DeleteOptions = {}): Deletion {
    const old = this.#existing(type, namespace, name)
    this.#check(type, old, options.preconditions ?? {})
    const finalizers = finalizersFor(old, options, this.#owners.of(old.metadata.uid).length > 0)
    const grace = graceOf(type, old, options)
    if (finalizers.length === 0 && grace === 0 && !isNamespaceHeld(type, old))
      return this.#remove(type, old, old, options)
    const marked = this.#marked(type, old, finalizers, grace)
    return { object: this.#replace(type, old, marked, options), removed: false }
  }

  subscribe(listener: Listener): () => void {
    return this.#feed.subscribe(listener)
  }

  #marked(type: ResourceType, old: KubeObject, finalizers: readonly string[], grace: number): KubeObject {
    const withFinalizers = finalizers.length > 0 ? { ...old, metadata: { ...old.metadata, finalizers } } : old
    const already = old.metadata.deletionTimestamp !== undefined
    if (already && (old.metadata.deletionGracePeriodSeconds ?? 0) <= grace) return withFinalizers
    const at = new Date(this.#now().getTime() + grace * 1000)
    return markedDeleted(type, withFinalizers, toTimestamp(at), grace)
  }

  #writable(type: ResourceType, input: KubeInput): KubeObject {
    const { name = '', namespace = type.namespaced ? 'default' : '', uid, resourceVersion } = input.metadata
    const old = this.#existing(type, namespace, name)
    this.#check(type, old, { uid: uid || undefined, resourceVersion: resourceVersion || undefined })
    return old
  }

  #existing(type: ResourceType, namespace: string, name: string): KubeObject {
    const found = this.get(type, namespace, name)
    if (found !== undefined) return found
    throw new StoreError('NotFound', type, name, `${qualifiedName(type)} "${name}" not found`)
  }

  #check(type: ResourceType, old: KubeObject, wanted: Preconditions): void {
    const { uid, resourceVersion, name } = old.metadata
    const prefix = `Operation cannot be fulfilled on ${qualifiedName(type)} "${name}": `
    if (wanted.uid !== undefined && wanted.uid !== uid) {
      const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`
      throw new StoreError('Conflict', type, name, prefix + why)
    }
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again'
      throw new StoreError('Conflict', type, name, prefix + why)
    }
  }

  #freeName(type: ResourceType, input: KubeInput): string {
    const { name, generateName, namespace = 'default' } = input.metadata
    if (!name && generateName) return generateName.slice(0, 58) + suffix()
    if (this.get(type, type.namespaced ? namespace : '', name ?? '') === undefined) return name ?? ''
    throw new StoreError('AlreadyExists', type, name ?? '', `${qualifiedName(type)} "${name}" already exists`)
  }

  #requireNamespace(type: ResourceType, input: KubeInput, name: string): void {
    if (!type.namespaced) return
    const namespace = input.metadata.namespace ?? 'default'
    const found = this.get(types.namespaces, '', namespace)
    if (found === undefined) {
      throw new StoreError('NotFound', types.namespaces, namespace, `namespaces "${namespace}" not found`)
    }
    if (found.metadata.deletionTimestamp === undefined) return
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    throw new StoreError('Forbidden', type, name, `${qualifiedName(type)} "${name}" is forbidden: ${why}`)
  }

  #replace(type: ResourceType, old: KubeObject, next: KubeObject, options: WriteOptions): KubeObject {
    if (jsonEqual(old, atVersion(next, Number(old.metadata.resourceVersion)))) return old
    return this.#commit('MODIFIED', type, old, atVersion(next, this.#version + 1), options)
  }

  #remove(type: ResourceType, old: KubeObject, last: KubeObject, options: WriteOptions): Deletion {
    const object = options.dryRun === true ? last : atVersion(last, this.#version + 1)
    return { object: this.#commit('DELETED', type, old, object, options), removed: true }
  }

  #commit(
    verb: Change['verb'],
    type: ResourceType,
    old: KubeObject | undefined,
    object: KubeObject,
    { dryRun = false }: WriteOptions,
  ): KubeObject {
    if (dryRun) return old === undefined ? object : atVersion(object, Number(old.metadata.resourceVersion))
    const change = { verb, type, object, old, version: this.#version + 1 }
    this.#journal?.save(change)
    this.#version = change.version
    this.#put(type, old, verb === 'DELETED' ? undefined : object)
    this.#feed.publish(change)
    return object
  }

  #put(type: ResourceType, old: KubeObject | undefined, next: KubeObject | undefined): void {
    const key = qualifiedName(type)
    const collection = this.#collections.get(key) ?? new Collection()
    this.#collections.set(key, collection)
    this.#owners.replace(type, old, next)
    if (next !== undefined) collection.set(next)
    else if (old !== undefined) collection.remove(old.metadata.namespace ?? '', old.metadata.name)
  }

  #timestamp(): string {
    return toTimestamp(this.#now())
  }
}

/** A time as the API writes it: whole seconds, UTC. */
export function toTimestamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

/** Whether nothing holds a deleted object any more. */
function isFinished({ metadata }: KubeObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).length === 0 &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  )
}

function finalizersFor(old: KubeObject, options: DeleteOptions, hasDependents: boolean): readonly string[] {
  const own = (old.metadata.finalizers ?? []).filter((each) => each !== 'orphan' && each !== 'foregroundDeletion')
  if (options.propagationPolicy === 'Orphan' && hasDependents) return [...own, 'orphan']
  if (options.propagationPolicy === 'Foreground' && hasDependents) return [...own, 'foregroundDeletion']
  return options.propagationPolicy === undefined ? (old.metadata.finalizers ?? []) : own
}

/** A deleted namespace stays until whoever empties it takes the last of its `spec.finalizers` away. */
function isNamespaceHeld(type: ResourceType, { spec }: KubeObject): boolean {
  return type === types.namespaces && ((spec as { finalizers?: unknown[] } | undefined)?.finalizers ?? []).length > 0
}

function heldNamespace(input: KubeInput): KubeInput {
  return { ...input, spec: { finalizers: ['kubernetes'], ...(input.spec as object | undefined) } }
}

/** Only a Pod that sits on a node and has not ended gets time to stop. */
function graceOf(type: ResourceType, old: KubeObject, options: DeleteOptions): number {
  if (type !== types.pods) return GRACE_OF_FINALIZERS
  const spec = (old.spec ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number }
  const phase = ((old.status ?? {}) as { phase?: string }).phase
  if (!spec.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0
  return options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

function suffix(): string {
  return Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
