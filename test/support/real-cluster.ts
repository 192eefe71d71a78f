import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { builtBinaries } from '../../testbed/cluster/build.ts'
import { startRealCluster } from '../../testbed/cluster/start.ts'
import { cacheFolder } from '../../testbed/support/cache.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly realKubeconfig: string
  }
}

/** Builds and starts one real cluster for a run of the tests, unless `CONTRACT_KUBECONFIG` names one that is there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.CONTRACT_KUBECONFIG
  if (given !== undefined) {
    project.provide('realKubeconfig', given)
    return async () => undefined
  }
  const binaries = await builtBinaries(join(cacheFolder(), 'testbed'), (line) => console.log(line))
  const cluster = await startRealCluster(binaries)
  project.provide('realKubeconfig', cluster.kubeconfig)
  return () => cluster.stop()
}
