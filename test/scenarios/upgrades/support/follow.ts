import { systemClock } from '../../../../src/infra/clock.ts'
import {
  type KubeObject,
  type Resource,
  resources,
  type Transport,
  watchCollection,
} from '../../../../src/infra/kubernetes/index.ts'
import type { Pod } from '../../support/cluster-view.ts'
import { type EndpointSlice, type Fleet, type FleetPod, fleetPod, servedBy } from './fleet.ts'

/*
 * What there ever was, by a watch: it tells also what comes and goes between two looks. The caller closes it.
 */
type Watched = { readonly transport: Transport; readonly resource: Resource; readonly namespace?: string }

class Following<T extends KubeObject> {
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(watched: Watched, onState: (object: T) => void) {
    this.#done = this.#follow(watched, onState)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #follow({ transport, resource, namespace }: Watched, onState: (object: T) => void): Promise<void> {
    const what = { resource, selection: namespace === undefined ? {} : { namespace }, metadataOnly: false }
    const how = { clock: systemClock, random: Math.random, signal: this.#stop.signal }
    for await (const event of watchCollection<T>({ transport, ...what, ...how }))
      if (event.type === 'upsert') onState(event.object)
  }
}

/** Every pod that there ever was in a cluster. */
export class PodLog {
  readonly #seen = new Map<string, FleetPod & { readonly namespace: string }>()
  readonly #following: Following<Pod>

  constructor(transport: Transport) {
    this.#following = new Following<Pod>({ transport, resource: resources.pods }, (pod) => {
      const { namespace = '' } = pod.metadata
      this.#seen.set(pod.metadata.uid ?? '', { ...fleetPod(pod), namespace })
    })
  }

  /** The pods of the fleet's workload, each once, those that are gone too. */
  of({ namespace }: Fleet): readonly FleetPod[] {
    return [...this.#seen.values()].filter((pod) => pod.namespace === namespace && pod.app === 'app')
  }

  close(): Promise<void> {
    return this.#following.close()
  }
}

/** Every state that the endpoints of a fleet were ever in: the UIDs of the pods that the Service sent to. */
export class EndpointLog {
  readonly states: (readonly string[])[] = []
  readonly #following: Following<EndpointSlice>

  constructor({ world, namespace }: Fleet) {
    const watched = { transport: world.cluster.transport, resource: resources.endpointSlices, namespace }
    this.#following = new Following<EndpointSlice>(watched, (slice) => this.states.push(servedBy(slice)))
  }

  close(): Promise<void> {
    return this.#following.close()
  }
}
