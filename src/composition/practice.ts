import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PracticeCluster, startPracticeClusterProcess } from '@flotilla/practice-cluster'
import type { Config } from '../config.ts'
import type { Log } from '../infra/log.ts'
import { dependsOn } from './settings.ts'
import type { Stops } from './stops.ts'

/**
 * The kubeconfig to use: what `KUBECONFIG` says, else that of the practice cluster, which is started. Throws `ConfigError`
 * where its folder cannot be used.
 */
export async function kubeconfigPath(config: Config, log: Log, stops: Stops): Promise<string> {
  if (config.kubeconfig !== null) {
    log.warn({ kubeconfig: config.kubeconfig }, 'working on the cluster of KUBECONFIG, not on a practice cluster')
    return config.kubeconfig
  }
  const data = join(config.home, 'practice-cluster')
  const onLog = (line: string) => log.info({ part: 'practice-cluster' }, line)
  const cluster = await dependsOn(['FLOTILLA_HOME'], () => startPracticeClusterProcess({ data, onLog }))
  const start = () => startPracticeClusterProcess({ data, port: cluster.port, onLog })
  stops.add('practice cluster', keepRunning(cluster, start, log))
  log.info({ kubeconfig: cluster.kubeconfig }, 'practice cluster started: a simulation, nothing runs in it')
  return cluster.kubeconfig
}

const pauseMs = 500

/** Starts the practice cluster again whenever it dies: on the same port, with all that it had. Returns what stops it. */
function keepRunning(first: PracticeCluster, start: () => Promise<PracticeCluster>, log: Log): () => Promise<void> {
  const stopping = new AbortController()
  let current = first
  const hold = async (cluster: PracticeCluster): Promise<void> => {
    current = cluster
    if (stopping.signal.aborted) await cluster.stop()
    else await cluster.exited
  }
  const watch = async (): Promise<void> => {
    await hold(first)
    while (!stopping.signal.aborted) {
      log.error({ part: 'practice-cluster' }, 'the practice cluster died and is started again')
      const started = await start().catch(() => null)
      if (started === null) await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      else await hold(started)
    }
  }
  const watched = watch()
  return async () => {
    stopping.abort()
    await current.stop()
    await watched
  }
}
