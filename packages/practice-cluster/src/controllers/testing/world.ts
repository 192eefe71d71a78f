import { types } from '../../resources/table.ts'
import { collectGarbage } from '../../store/garbage.ts'
import { openStore } from '../../store/store.ts'
import type { KubeInput, KubeObject, ResourceType, Store } from '../../store/types.ts'
import { type ControllerOptions, startControllers } from '../index.ts'
import type { Deployment, Pod, PodTemplate, ReplicaSet } from '../model.ts'
import { VirtualClock } from '../runtime/virtual-clock.ts'

export const NAMESPACE = 'shop'

/** A cluster in virtual time, for unit tests: nothing moves until `pass` is called. */
export class World {
  readonly clock = new VirtualClock()
  readonly store: Store
  readonly problems: unknown[] = []
  #running: { stop(): void }
  readonly #options: ControllerOptions

  constructor(options: ControllerOptions = {}) {
    this.store = openStore({
      now: () => new Date(this.clock.now()),
      onListenerError: (error) => this.problems.push(error),
    })
    this.#options = { clock: this.clock, log: (_, error) => this.problems.push(error), ...options }
    collectGarbage(this.store)
    this.#running = startControllers(this.store, this.#options)
    this.store.create(types.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  }

  /** Lets time pass, in seconds. */
  pass(seconds: number): this {
    this.clock.advance(seconds * 1000)
    return this
  }

  /** What a new process would do: controllers that know nothing but the store. */
  restart(): this {
    this.#running.stop()
    this.#running = startControllers(this.store, this.#options)
    return this
  }

  create(type: ResourceType, input: KubeInput): KubeObject {
    return this.store.create(type, input)
  }

  get<T extends KubeObject>(type: ResourceType, name: string): T {
    const found = this.store.get(type, NAMESPACE, name)
    if (found === undefined) throw new Error(`no ${type.plural} ${name}`)
    return found as T
  }

  deployment(name = 'web'): Deployment {
    return this.get<Deployment>(types.deployments, name)
  }

  /** Replaces part of an object's specification, as a merge patch would. */
  patch(type: ResourceType, name: string, spec: Readonly<Record<string, unknown>>): void {
    const object = this.get<KubeObject>(type, name)
    this.store.update(type, { ...object, spec: { ...(object.spec as object), ...spec } })
  }

  annotate(type: ResourceType, name: string, annotations: Readonly<Record<string, string>>): void {
    const object = this.get<KubeObject>(type, name)
    const all = { ...object.metadata.annotations, ...annotations }
    this.store.update(type, { ...object, metadata: { ...object.metadata, annotations: all } })
  }

  remove(type: ResourceType, name: string): void {
    this.store.delete(type, NAMESPACE, name)
  }

  pods(): readonly Pod[] {
    return this.store.list(types.pods, NAMESPACE) as readonly Pod[]
  }

  replicaSets(): readonly ReplicaSet[] {
    return this.store.list(types.replicasets, NAMESPACE) as readonly ReplicaSet[]
  }

  events(): readonly string[] {
    return this.store.list(types.events, NAMESPACE).map((each) => `${each.reason}: ${each.message}`)
  }
}

/** A template whose pods carry `app: NAME` and run one image. */
export function templateOf(image: string, app = 'web', more: Partial<PodTemplate['spec']> = {}): PodTemplate {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }], ...more } }
}

/** A Deployment as a client would create it. */
export function deploymentOf(replicas: number, spec: Readonly<Record<string, unknown>> = {}, name = 'web'): KubeInput {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: templateOf('app:1.0', name), ...spec },
  }
}

/** The images of pods, sorted, with how many run each. */
export function images(pods: readonly Pod[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { spec } of pods)
    counts[spec.containers[0]?.image ?? ''] = (counts[spec.containers[0]?.image ?? ''] ?? 0) + 1
  return counts
}
