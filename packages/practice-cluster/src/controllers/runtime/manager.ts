import { allTypes } from '../../resources/table.ts'
import { type Change, type Store, StoreError } from '../../store/types.ts'
import { Applier } from './apply.ts'
import type { Clock } from './clock.ts'
import type { Controller, Place } from './controller.ts'
import { EventRecorder } from './events.ts'
import { StoreView } from './view.ts'
import { WorkQueue } from './work-queue.ts'

/** Where controllers report what went wrong. */
export type Log = (message: string, error?: unknown) => void

/**
 * Runs controllers: every change wakes those that it concerns, and at the start every stored object counts as a
 * change, so that all goes on where an earlier process stopped.
 */
export class Manager {
  readonly #controllers: ReadonlyMap<string, Controller>
  readonly #view: StoreView
  readonly #applier: Applier
  readonly #queue: WorkQueue
  readonly #log: Log
  readonly #unsubscribe: () => void

  constructor(store: Store, clock: Clock, controllers: readonly Controller[], log: Log) {
    this.#controllers = new Map(controllers.map((each) => [each.name, each]))
    this.#view = new StoreView(store, () => clock.now())
    this.#applier = new Applier(store, new EventRecorder(store, () => clock.now()))
    this.#log = log
    const failed = (key: string, error: unknown) => {
      if (!isStale(error)) log(`controller: ${key} is tried again`, error)
    }
    this.#queue = new WorkQueue(clock, (key) => this.#handle(key), failed)
    for (const change of everything(store)) this.#view.observe(change)
    for (const change of everything(store)) this.#wake(change)
    this.#unsubscribe = store.subscribe((change) => {
      this.#view.observe(change)
      this.#wake(change)
    })
  }

  stop(): void {
    this.#unsubscribe()
    this.#queue.stop()
  }

  #wake(change: Change): void {
    for (const controller of this.#controllers.values()) {
      for (const place of this.#concerned(controller, change)) this.#queue.add(keyOf(controller, place))
    }
  }

  #concerned(controller: Controller, change: Change): readonly Place[] {
    try {
      return controller.concerns(change, this.#view)
    } catch (error) {
      this.#log(`controller: ${controller.name} cannot read ${change.type.plural}`, error)
      return []
    }
  }

  #handle(key: string): { readonly requeueAfterMs?: number | undefined } {
    const [controllerName = '', namespace = '', name = ''] = key.split('|')
    const controller = this.#controllers.get(controllerName)
    if (controller === undefined) return {}
    const decision = controller.decide({ namespace, name }, this.#view)
    this.#applier.apply(decision.writes, controller.name)
    return decision
  }
}

const passing: ReadonlySet<string> = new Set(['Conflict', 'NotFound', 'AlreadyExists', 'Forbidden'])

/** Whether a write only met another state than expected, or a quota; the next try sees to it, nobody needs to read of it. */
const isStale = (error: unknown): boolean => error instanceof StoreError && passing.has(error.reason)

const keyOf = ({ name }: Controller, place: Place): string => `${name}|${place.namespace}|${place.name}`

function* everything(store: Store): Generator<Change> {
  for (const type of allTypes) {
    for (const object of store.list(type)) {
      yield { verb: 'ADDED', type, object, old: undefined, version: store.version }
    }
  }
}
