import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { type SilentProxy, silentProxy } from '../../support/silent-proxy.ts'
import { openWorld, type World } from '../support/world.ts'

let cluster: TestCluster
let proxy: SilentProxy
let folder: string
let world: World
beforeAll(async () => {
  cluster = await practiceCluster()
  const { hostname: host, port, origin } = cluster.endpoint.server
  proxy = await silentProxy({ host, port: Number(port) })
  folder = await mkdtemp(join(tmpdir(), 'flotilla-silent-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const direct = await readFile(cluster.kubeconfig, 'utf8')
  await writeFile(kubeconfig, direct.replace(origin, `https://127.0.0.1:${proxy.port}`), { mode: 0o600 })
  world = await openWorld({ KUBECONFIG: kubeconfig })
})
afterAll(async () => {
  await world?.close()
  await proxy?.close()
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('on a cluster that takes connections and never answers an operation says what it waits for', async () => {
  const release = await world.place().installed()
  proxy.silence()
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { word: 'b' } })
  const queued = await operation.read()
  expect(queued).toMatchObject({ status: 'QUEUED', waitingFor: { reason: 'QUEUED', until: null } })
  expect((await release.read()).waitingFor).toEqual(queued.waitingFor)

  // It is known by then: no later than a look is given up.
  const waiting = await operation.until('says so', ({ waitingFor }) => waitingFor?.reason === 'CLUSTER_UNREADABLE')
  expect(waiting).toMatchObject({
    status: 'QUEUED',
    waitingFor: { until: null, detail: expect.stringMatching(/^the cluster does not answer; .*worker/) },
  })
  proxy.speak()
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
})
