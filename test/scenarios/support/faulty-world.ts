import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { practiceCluster } from '../../support/cluster.ts'
import { type FaultyApiServer, faultyApiServer } from '../../support/faulty-api-server.ts'
import { ClusterView } from './cluster-view.ts'
import { Hand } from './hand.ts'
import { openWorld, type World } from './world.ts'

/** A world whose Flotilla reaches its cluster by way of a faulty API server. */
export type FaultyWorld = {
  /** Its `cluster` and `hand` are past the faults. */
  readonly world: World
  readonly server: FaultyApiServer
  close(): Promise<void>
}

/** Starts one, once a test file: call it in `beforeAll`. */
export async function openFaultyWorld(): Promise<FaultyWorld> {
  const cluster = await practiceCluster()
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-faulty-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const server = await faultyApiServer(cluster, kubeconfig)
  const world = await openWorld({ KUBECONFIG: kubeconfig })
  const [direct, hand] = [new ClusterView(cluster.kubeconfig), new Hand(cluster.kubeconfig)]
  const close = async () => {
    hand.remove()
    await direct.close()
    await world.close()
    await server.close()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { world: { ...world, cluster: direct, hand }, server, close }
}
