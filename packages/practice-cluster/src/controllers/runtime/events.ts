import { types } from '../../resources/table.ts'
import type { KubeObject, Store } from '../../store/types.ts'
import { type EventText, millis, timestamp } from '../decision.ts'
import { hashOf } from '../hash.ts'

/** How many events one namespace keeps, and how many more before the oldest are removed. */
const KEPT = 500
const SLACK = 100

type StoredEvent = KubeObject & { readonly count?: number; readonly lastTimestamp?: string }

/** Writes core/v1 Events. The same text about the same object is one Event whose count grows. */
export class EventRecorder {
  readonly #store: Store
  readonly #now: () => number

  constructor(store: Store, now: () => number) {
    this.#store = store
    this.#now = now
  }

  record(about: KubeObject, component: string, text: EventText): void {
    const namespace = about.metadata.namespace ?? 'default'
    const name = `${about.metadata.name}.${hashOf([about.metadata.uid, text])}`
    const known = this.#store.get(types.events, namespace, name) as StoredEvent | undefined
    if (known !== undefined) this.#repeat(known)
    else if (acceptsObjects(this.#store, namespace)) this.#first(namespace, name, about, component, text)
  }

  #repeat(known: StoredEvent): void {
    this.#store.update(types.events, {
      ...known,
      count: (known.count ?? 1) + 1,
      lastTimestamp: timestamp(this.#now()),
    })
  }

  #first(namespace: string, name: string, about: KubeObject, component: string, text: EventText): void {
    const at = timestamp(this.#now())
    this.#store.create(types.events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: referenceTo(about),
      ...text,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      eventTime: null,
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
    })
    this.#prune(namespace)
  }

  #prune(namespace: string): void {
    const all = this.#store.list(types.events, namespace) as readonly StoredEvent[]
    if (all.length <= KEPT + SLACK) return
    const oldest = [...all].sort((a, b) => millis(a.lastTimestamp) - millis(b.lastTimestamp))
    for (const { metadata } of oldest.slice(0, all.length - KEPT)) {
      this.#store.delete(types.events, namespace, metadata.name)
    }
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject) {
  const { namespace, name, uid, resourceVersion } = metadata
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name, uid, resourceVersion }
}

/** Whether objects can be created in a namespace: it is there and not on its way out. */
export function acceptsObjects(store: Store, namespace: string): boolean {
  const found = store.get(types.namespaces, '', namespace)
  return found !== undefined && found.metadata.deletionTimestamp === undefined
}
