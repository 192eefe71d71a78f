import type { Clock } from '../core/instant.ts'
import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import { loadKubeconfig, selectContext } from '../infra/kubernetes/index.ts'
import type { Log } from '../infra/log.ts'
import type { KubeContexts } from '../tenants/index.ts'
import { type ConnectedCluster, connectCluster } from './cluster.ts'
import type { Stops } from './stops.ts'

/** The contexts of a kubeconfig. `wanted` names the current one instead of the file. Throws `KubeconfigError`. */
export function contextsOf(kubeconfig: string, wanted: string | null): KubeContexts {
  const config = loadKubeconfig(kubeconfig)
  const current = selectContext(config, wanted ?? undefined).name
  return { current, names: config.contexts.map(({ name }) => name) }
}

/** The clusters of a kubeconfig, each connected when it is first needed. */
export class ClusterConnections {
  private readonly open = new Map<string, ConnectedCluster>()
  private readonly names: ReadonlyMap<Uuid, string>
  private readonly connect: (name: string) => ConnectedCluster

  constructor(ids: ReadonlyMap<string, Uuid>, connect: (name: string) => ConnectedCluster) {
    this.names = new Map([...ids].map(([name, id]) => [id, name]))
    this.connect = connect
  }

  /** How many clusters the kubeconfig has. */
  get count(): number {
    return this.names.size
  }

  /** Throws `Problem` cluster_unavailable for a cluster that the kubeconfig no longer has. */
  of(id: Uuid): ConnectedCluster {
    const name = this.names.get(id)
    if (name === undefined) throw new Problem('cluster_unavailable', `the kubeconfig has no context for cluster ${id}`)
    const known = this.open.get(name) ?? this.connect(name)
    this.open.set(name, known)
    return known
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.values()].map((cluster) => cluster.close()))
  }
}

export type ConnectionParts = {
  readonly kubeconfig: string
  readonly ids: ReadonlyMap<string, Uuid>
  readonly clock: Clock
  readonly log: Log
}

/** Opens the connections, to be closed with the rest. */
export function openClusters({ kubeconfig, ids, clock, log }: ConnectionParts, stops: Stops): ClusterConnections {
  const connections = new ClusterConnections(ids, (name) => connectCluster(kubeconfig, name, clock, log))
  stops.add('cluster connections', () => connections.close())
  return connections
}
