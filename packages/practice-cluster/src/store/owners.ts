import type { KubeObject, ResourceType, StoredRef } from './types.ts'

/** Which stored objects name which owner, by the owner's uid. */
export class OwnerIndex {
  readonly #dependents = new Map<string, Map<string, StoredRef>>()

  replace(type: ResourceType, old: KubeObject | undefined, next: KubeObject | undefined): void {
    for (const owner of old?.metadata.ownerReferences ?? []) this.#remove(owner.uid, old?.metadata.uid ?? '')
    if (next === undefined) return
    for (const owner of next.metadata.ownerReferences ?? []) this.#add(owner.uid, { type, object: next })
  }

  of(ownerUid: string): readonly StoredRef[] {
    return [...(this.#dependents.get(ownerUid)?.values() ?? [])]
  }

  #add(ownerUid: string, ref: StoredRef): void {
    const members = this.#dependents.get(ownerUid) ?? new Map<string, StoredRef>()
    members.set(ref.object.metadata.uid, ref)
    this.#dependents.set(ownerUid, members)
  }

  #remove(ownerUid: string, uid: string): void {
    const members = this.#dependents.get(ownerUid)
    members?.delete(uid)
    if (members?.size === 0) this.#dependents.delete(ownerUid)
  }
}
