import type { KubeObject, ResourceType } from '../store/types.ts'
import { controllerRef, type Write } from './decision.ts'
import { type LabelSelector, selects } from './selector.ts'

/** The dependents that a workload has after adopting and releasing, and the writes that do so. */
export type Claimed<T> = { readonly mine: readonly T[]; readonly writes: readonly Write[] }

/**
 * Takes the orphans that match the selector, and lets go what is owned and no longer matches, as every controller of
 * Kubernetes does with its dependents.
 */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  type: ResourceType,
  selector: LabelSelector,
  owned: readonly T[],
  orphans: readonly T[],
): Claimed<T> {
  const adopted = orphans.filter((each) => selects(selector, each.metadata.labels))
  const released = owned.filter((each) => !selects(selector, each.metadata.labels))
  return {
    mine: [...owned.filter((each) => !released.includes(each)), ...adopted],
    writes: [
      ...adopted.map((each) => withOwners(type, each, [...ownersOf(each), controllerRef(owner)])),
      ...released.map((each) => withOwners(type, each, withoutOwner(each, owner))),
    ],
  }
}

const ownersOf = (object: KubeObject) => object.metadata.ownerReferences ?? []
const withoutOwner = (object: KubeObject, { metadata }: KubeObject) =>
  ownersOf(object).filter(({ uid }) => uid !== metadata.uid)

function withOwners(
  type: ResourceType,
  object: KubeObject,
  ownerReferences: NonNullable<KubeObject['metadata']['ownerReferences']>,
): Write {
  return { kind: 'update', type, object: { ...object, metadata: { ...object.metadata, ownerReferences } } }
}
