import { systemClock } from '../../../../src/infra/clock.ts'
import { resources, watchCollection } from '../../../../src/infra/kubernetes/index.ts'
import type { TestCluster } from '../../../support/cluster.ts'
import type { Pod } from '../../support/cluster-view.ts'
import { type Fleet, type FleetPod, fleetPod } from './fleet.ts'

/** Every pod that there ever was in a cluster: by a watch, which tells also what comes and goes between two looks. */
export class PodLog {
  readonly #seen = new Map<string, FleetPod & { readonly namespace: string }>()
  readonly #stop = new AbortController()
  readonly #following: Promise<void>

  constructor(cluster: Pick<TestCluster, 'transport'>) {
    this.#following = this.#follow(cluster)
  }

  /** The pods of the fleet's workload, each once, those that are gone too. */
  of({ namespace }: Fleet): readonly FleetPod[] {
    return [...this.#seen.values()].filter((pod) => pod.namespace === namespace && pod.app === 'app')
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#following
  }

  async #follow({ transport }: Pick<TestCluster, 'transport'>): Promise<void> {
    const { signal } = this.#stop
    const what = { resource: resources.pods, selection: {}, metadataOnly: false }
    const how = { clock: systemClock, random: Math.random, signal }
    for await (const event of watchCollection<Pod>({ transport, ...what, ...how })) {
      if (event.type !== 'upsert') continue
      const { namespace = '' } = event.object.metadata
      const pod = fleetPod(event.object)
      this.#seen.set(pod.uid, { ...pod, namespace })
    }
  }
}
