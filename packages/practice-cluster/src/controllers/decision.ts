import type { KubeInput, KubeObject, ObjectMeta, OwnerReference, ResourceType } from '../store/types.ts'

/** One effect that a controller asks for. The writes of a decision are carried out in order, in one turn. */
export type Write =
  | { readonly kind: 'create'; readonly type: ResourceType; readonly input: KubeInput }
  | { readonly kind: 'update'; readonly type: ResourceType; readonly object: KubeObject }
  | { readonly kind: 'status'; readonly type: ResourceType; readonly object: KubeObject }
  | {
      readonly kind: 'delete'
      readonly type: ResourceType
      readonly object: KubeObject
      readonly graceSeconds?: number
    }
  | { readonly kind: 'event'; readonly about: KubeObject; readonly event: EventText }

/** What an Event says. */
export type EventText = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** What a controller decided about one object, and when it wants to look again though nothing changes. */
export type Decision = { readonly writes: readonly Write[]; readonly requeueAfterMs?: number | undefined }

export const NOTHING: Decision = { writes: [] }

/** A warning or a normal event about an object. */
export function event(about: KubeObject, type: EventText['type'], reason: string, message: string): Write {
  return { kind: 'event', about, event: { type, reason, message } }
}

/** The owner reference that makes `owner` the controller of what carries it. */
export function controllerRef(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }
}

/** The reference to the one controller of an object, if it has one. */
export function controllerOf(object: { readonly metadata: Partial<ObjectMeta> }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((each) => each.controller === true)
}

/** The smaller of two delays, where none means never. */
export function sooner(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}

/** A time as the API writes it: whole seconds, UTC. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** Milliseconds of a stored time; 0 when there is none. */
export function millis(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time) || 0
}
