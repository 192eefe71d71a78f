import { types } from '../../resources/table.ts'
import { type KubeInput, type KubeObject, type Store, StoreError } from '../../store/types.ts'
import type { EventText, Write } from '../decision.ts'
import { admissionFor } from '../policy/quota.ts'
import { acceptsObjects, type EventRecorder } from './events.ts'

/**
 * Carries out the writes of one decision, in order. The first that the store refuses throws, so that the decision is
 * made anew. An object that a decision writes twice carries the version of its first write only, so the second goes
 * without one: nothing else can write in between, since all of it happens in one turn.
 */
export class Applier {
  readonly #store: Store
  readonly #events: EventRecorder

  constructor(store: Store, events: EventRecorder) {
    this.#store = store
    this.#events = events
  }

  apply(writes: readonly Write[], component: string): void {
    const written = new Set<string>()
    for (const write of writes) this.#one(write, component, written)
  }

  #one(write: Write, component: string, written: Set<string>): void {
    if (write.kind === 'event') this.#events.record(write.about, component, write.event)
    else if (write.kind === 'create') this.#create(write, component)
    else if (write.kind === 'delete') this.#delete(write)
    else this.#replace(write, written)
  }

  #replace(write: Extract<Write, { kind: 'update' | 'status' }>, written: Set<string>): void {
    const { uid } = write.object.metadata
    const object = written.has(uid) ? unversioned(write.object) : write.object
    written.add(uid)
    if (write.kind === 'update') this.#store.update(write.type, object)
    else this.#store.updateStatus(write.type, object)
  }

  /** Nothing is made in a namespace that is going: its end takes the owner along anyway. */
  #create({ type, input }: Extract<Write, { kind: 'create' }>, component: string): void {
    if (type.namespaced && !acceptsObjects(this.#store, input.metadata.namespace ?? 'default')) return
    const owner = type === types.pods ? this.#ownerOf(input) : undefined
    try {
      if (type === types.pods) this.#requireQuota(input)
      const { metadata } = this.#store.create(type, input)
      if (owner !== undefined) this.#events.record(owner, component, createdPod(metadata.name))
    } catch (error) {
      if (owner !== undefined) this.#events.record(owner, component, failedPod(error))
      throw error
    }
  }

  /** Controllers that ask beforehand make as many pods as fit; for all others the refusal comes here. */
  #requireQuota(input: KubeInput): void {
    const { allowed, why } = admissionFor(this.#store, input)
    if (allowed === 0) throw new StoreError('Forbidden', types.pods, input.metadata.name ?? '', why)
  }

  #delete({ type, object, graceSeconds }: Extract<Write, { kind: 'delete' }>): void {
    const { namespace = '', name, uid } = object.metadata
    this.#store.delete(type, namespace, name, {
      preconditions: { uid },
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(type === types.pods ? {} : { propagationPolicy: 'Background' as const }),
    })
  }

  /** A stand-in for the owner of a new object, enough to hang an event on. */
  #ownerOf({ metadata }: KubeInput): KubeObject | undefined {
    const reference = metadata.ownerReferences?.find(({ controller }) => controller === true)
    if (reference === undefined) return undefined
    const { apiVersion, kind, name, uid } = reference
    const namespace = metadata.namespace ?? 'default'
    return { apiVersion, kind, metadata: { name, uid, namespace, resourceVersion: '', creationTimestamp: '' } }
  }
}

const createdPod = (name: string): EventText => ({
  type: 'Normal',
  reason: 'SuccessfulCreate',
  message: `Created pod: ${name}`,
})

const failedPod = (error: unknown): EventText => ({
  type: 'Warning',
  reason: 'FailedCreate',
  message: `Error creating: ${error instanceof Error ? error.message : String(error)}`,
})

function unversioned(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } }
}
