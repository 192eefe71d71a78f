import type { KubeObject } from '../types.ts'
import type { WatchEvent } from './events.ts'

/** What became of one object: `before` and `after` are null when it was not, or is no longer, there. */
export type Change<V> = { readonly key: string; readonly before: V | null; readonly after: V | null }

/** `namespace/name`. */
export function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/**
 * The state that a watch tells, each object reduced to what its owner needs. During a list nothing that was known is
 * dropped until the list is whole, so a broken list never looks like a deletion.
 */
export class Replica<T extends KubeObject, V> {
  readonly #project: (object: T) => V | null
  readonly #known = new Map<string, V>()
  /** Keys seen in the running list; null when none runs. */
  #listed: Set<string> | null = null
  #synced = false

  /** `project` gives null for an object that is of no interest. */
  constructor(project: (object: T) => V | null) {
    this.#project = project
  }

  /** True once a list was whole. */
  get synced(): boolean {
    return this.#synced
  }

  get(key: string): V | null {
    return this.#known.get(key) ?? null
  }

  entries(): IterableIterator<[string, V]> {
    return this.#known.entries()
  }

  /** Takes one event in and returns what it changed. */
  apply(event: WatchEvent<T>): readonly Change<V>[] {
    if (event.type === 'upsert') return this.#upsert(event.object)
    if (event.type === 'delete') return this.#set(keyOf(event.object), null)
    if (event.type === 'reset') this.#listed = new Set()
    return event.type === 'synced' ? this.#sweep() : []
  }

  #upsert(object: T): readonly Change<V>[] {
    const key = keyOf(object)
    this.#listed?.add(key)
    return this.#set(key, this.#project(object))
  }

  #sweep(): readonly Change<V>[] {
    const listed = this.#listed ?? new Set()
    this.#listed = null
    this.#synced = true
    const gone = [...this.#known.keys()].filter((key) => !listed.has(key))
    return gone.flatMap((key) => this.#set(key, null))
  }

  #set(key: string, after: V | null): readonly Change<V>[] {
    const before = this.get(key)
    if (after === null) this.#known.delete(key)
    else this.#known.set(key, after)
    return before === null && after === null ? [] : [{ key, before, after }]
  }
}
