import { qualifiedName } from '../resources/table.ts'
import type { Change, ResourceType, Store } from '../store/types.ts'

export type Watcher = (change: Change) => void

/** How many changes a watch can catch up on; older ones are answered with 410. */
const KEPT = 4096

/** Hands the store's changes to watches, and keeps the last ones so that a watch can begin in the past. */
export class WatchHub {
  /** By the name of the kind: a custom kind gets another type when its definition changes. */
  readonly #watchers = new Map<string, Set<Watcher>>()
  readonly #store: Store
  #kept: Change[] = []
  #oldest: number

  constructor(store: Store) {
    this.#store = store
    this.#oldest = store.version
    store.subscribe((change) => this.#take(change))
  }

  /** The changes of a kind after a version, or undefined when some of them are forgotten. */
  since(type: ResourceType, version: number): readonly Change[] | undefined {
    if (version < this.#oldest) return undefined
    const name = qualifiedName(type)
    return this.#kept.filter((change) => change.version > version && qualifiedName(change.type) === name)
  }

  /** The version up to which changes have been handed out. */
  get version(): number {
    return this.#kept.at(-1)?.version ?? this.#store.version
  }

  watch(type: ResourceType, watcher: Watcher): () => void {
    const name = qualifiedName(type)
    const watchers = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, watchers.add(watcher))
    return () => watchers.delete(watcher)
  }

  #take(change: Change): void {
    this.#kept.push(change)
    if (this.#kept.length > 2 * KEPT) this.#forget()
    for (const watcher of this.#watchers.get(qualifiedName(change.type)) ?? []) watcher(change)
  }

  #forget(): void {
    this.#oldest = this.#kept[this.#kept.length - KEPT - 1]?.version ?? this.#oldest
    this.#kept = this.#kept.slice(-KEPT)
  }
}
