import type { KubeObject } from './types.ts'

/** The stored objects of one kind: by namespace and name, and in the order in which lists answer. */
export class Collection {
  readonly #namespaces = new Map<string, Map<string, KubeObject>>()
  readonly #sorted = new Map<string, readonly KubeObject[]>()
  #all: readonly KubeObject[] | undefined

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace)?.get(name)
  }

  set(object: KubeObject): void {
    const namespace = object.metadata.namespace ?? ''
    const members = this.#namespaces.get(namespace) ?? new Map<string, KubeObject>()
    members.set(object.metadata.name, object)
    this.#namespaces.set(namespace, members)
    this.#forget(namespace)
  }

  remove(namespace: string, name: string): void {
    const members = this.#namespaces.get(namespace)
    members?.delete(name)
    if (members?.size === 0) this.#namespaces.delete(namespace)
    this.#forget(namespace)
  }

  /** The members of one namespace by name, or all by namespace and name. The array is shared: never edit it. */
  list(namespace?: string): readonly KubeObject[] {
    if (namespace !== undefined) return this.#members(namespace)
    this.#all ??= [...this.#namespaces.keys()].sort().flatMap((each) => this.#members(each))
    return this.#all
  }

  #members(namespace: string): readonly KubeObject[] {
    const known = this.#sorted.get(namespace)
    if (known !== undefined) return known
    const members = [...(this.#namespaces.get(namespace)?.values() ?? [])].sort(byName)
    this.#sorted.set(namespace, members)
    return members
  }

  #forget(namespace: string): void {
    this.#sorted.delete(namespace)
    this.#all = undefined
  }
}

const byName = (a: KubeObject, b: KubeObject): number =>
  a.metadata.name < b.metadata.name ? -1 : Number(a.metadata.name > b.metadata.name)
