import type { Change, KubeObject, ResourceType } from '../../store/types.ts'
import { controllerOf, type Decision } from '../decision.ts'
import type { View } from './view.ts'

/** Where an object lies, as a work queue names it. */
export type Place = { readonly namespace: string; readonly name: string }

/** One controller: which objects a change concerns, and what to do about one of them. It keeps no state. */
export interface Controller {
  /** Its name as the source of events. */
  readonly name: string
  concerns(change: Change, view: View): readonly Place[]
  decide(place: Place, view: View): Decision
}

export const placeOf = ({ metadata }: KubeObject): Place => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
})

/** The changed object itself, when it is of this kind. */
export function itself({ type, object }: Change, wanted: ResourceType): readonly Place[] {
  return type === wanted ? [placeOf(object)] : []
}

/** The controllers of this kind that the changed object has, and had before. */
export function itsController({ object, old }: Change, kind: string): readonly Place[] {
  const owners = [controllerOf(object), old === undefined ? undefined : controllerOf(old)]
  const names = new Set(owners.flatMap((owner) => (owner?.kind === kind ? [owner.name] : [])))
  return [...names].map((name) => ({ namespace: object.metadata.namespace ?? '', name }))
}
