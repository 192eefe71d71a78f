import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { type FaultyApiServer, faultyApiServer } from '../../support/faulty-api-server.ts'
import { ClusterView } from './cluster-view.ts'
import { Hand } from './hand.ts'
import { openWorld, type World } from './world.ts'

export type Prepare = (cluster: TestCluster, kubeconfig: string, server: FaultyApiServer) => Promise<void>

/** A world whose Flotilla reaches its cluster by way of a faulty API server. */
export type FaultyWorld = {
  /** Its `cluster` and `hand` are past the faults. */
  readonly world: World
  readonly server: FaultyApiServer
  close(): Promise<void>
}

/**
 * Starts one, once a test file: call it in `beforeAll`. `prepare` is called before Flotilla starts, with the file of the
 * kubeconfig that it gets.
 */
export async function openFaultyWorld(prepare?: Prepare): Promise<FaultyWorld> {
  const cluster = await practiceCluster()
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-faulty-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const server = await faultyApiServer(cluster, kubeconfig)
  await prepare?.(cluster, kubeconfig, server)
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
