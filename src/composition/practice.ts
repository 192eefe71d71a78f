import { join } from 'node:path'
import { startPracticeClusterProcess } from '@flotilla/practice-cluster'
import type { Config } from '../config.ts'
import type { Log } from '../infra/log.ts'
import type { Stops } from './stops.ts'

/** The kubeconfig to use: what `KUBECONFIG` says, else that of the practice cluster, which is started. */
export async function kubeconfigPath(config: Config, log: Log, stops: Stops): Promise<string> {
  if (config.kubeconfig !== null) {
    log.warn({ kubeconfig: config.kubeconfig }, 'working on the cluster of KUBECONFIG, not on a practice cluster')
    return config.kubeconfig
  }
  const data = join(config.home, 'practice-cluster')
  const cluster = await startPracticeClusterProcess({
    data,
    onLog: (line) => log.info({ part: 'practice-cluster' }, line),
  })
  stops.add('practice cluster', () => cluster.stop())
  log.info({ kubeconfig: cluster.kubeconfig }, 'practice cluster started: a simulation, nothing runs in it')
  return cluster.kubeconfig
}
