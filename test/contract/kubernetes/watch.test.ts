import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import {
  createHealthWatch,
  createHelmWatch,
  type HealthChange,
  type HelmChange,
  type KubeObject,
  Replica,
  resources,
  watchCollection,
} from '../../../src/infra/kubernetes/index.ts'
import { eventually, practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { deployment } from './objects.ts'

let cluster: TestCluster
const stop = new AbortController()
const running: Promise<void>[] = []
beforeAll(async () => {
  cluster = await practiceCluster()
})
afterAll(async () => {
  stop.abort()
  await Promise.all(running)
  await cluster.stop()
})

const parts = () => ({ transport: cluster.transport, clock: systemClock, random: Math.random, signal: stop.signal })

test('a watch tells what is there and what changes', async () => {
  const namespace = await cluster.namespace('watch')
  const put = (name: string) => cluster.client.create(resources.configMaps, { metadata: { name, namespace } })
  await put('before')
  const replica = new Replica<KubeObject, string>(({ metadata }) => metadata.name)
  const follow = async (): Promise<void> => {
    const spec = { ...parts(), resource: resources.configMaps, selection: { namespace }, metadataOnly: true }
    for await (const event of watchCollection(spec)) replica.apply(event)
  }
  running.push(follow())
  const names = () => [...replica.entries()].map(([, name]) => name).filter((name) => name !== 'kube-root-ca.crt')
  await eventually(names, (seen) => replica.synced && seen.length === 1)
  await put('after')
  await eventually(names, (seen) => seen.includes('after'))
  await cluster.client.delete(resources.configMaps, { namespace, name: 'before' })
  expect(await eventually(names, (seen) => seen.length === 1)).toEqual(['after'])
})

test('the watch of releases knows the current revisions and wakes on each change', async () => {
  const namespace = await cluster.namespace('helm')
  const changes: HelmChange[] = []
  const watch = createHelmWatch({ ...parts(), namespace, onChange: (change) => changes.push(change) })
  const record = (version: number, status: string, type = 'helm.sh/release.v1') => ({
    metadata: {
      name: `sh.helm.release.v1.web.v${version}`,
      namespace,
      labels: { owner: 'helm', name: 'web', status, version: String(version) },
    },
    type,
  })
  const relabel = (version: number, status: string) =>
    cluster.client.patch(
      resources.secrets,
      { namespace, name: `sh.helm.release.v1.web.v${version}` },
      { type: 'merge', body: { metadata: { labels: { status } } } },
    )
  await cluster.client.create(resources.secrets, record(1, 'deployed'))
  await cluster.client.create(resources.secrets, record(7, 'deployed', 'Opaque'))
  running.push(watch.run())
  const current = () => watch.current(namespace, 'web')
  await eventually(current, (now) => now?.revision === 1 && watch.synced)
  await cluster.client.create(resources.secrets, record(2, 'pending-upgrade'))
  await eventually(current, (now) => now?.revision === 2 && now.status === 'pending-upgrade')
  await relabel(1, 'superseded')
  await relabel(2, 'deployed')
  await eventually(current, (now) => now?.status === 'deployed')
  expect([...watch.all()].map(({ revision }) => revision)).toEqual([2])
  await cluster.client.delete(resources.secrets, { namespace, name: 'sh.helm.release.v1.web.v2' })
  await eventually(current, (now) => now === null)
  expect(changes.at(-1)).toEqual({ namespace, release: 'web', current: null })
})

test('the watch of workloads counts the ready instances of each release', async () => {
  const namespace = await cluster.namespace('health')
  const changes: HealthChange[] = []
  const watch = createHealthWatch({ ...parts(), namespace, onChange: (each) => changes.push(...each) })
  running.push(watch.run())
  const labels = { 'app.kubernetes.io/managed-by': 'Helm' }
  const annotations = { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': namespace }
  for (const name of ['a', 'b']) {
    const object = deployment(name, { namespace, replicas: 2, labels, annotations })
    await cluster.client.create(resources.deployments, object)
  }
  await eventually(
    () => watch.health(namespace, 'web'),
    (health) => health?.total === 4 && health.ready === 4,
  )
  await eventually(
    () => changes.at(-1)?.health,
    (health) => health?.ready === 4,
  )
  expect(watch.health(namespace, 'other')).toBeNull()
  expect([...watch.all()]).toEqual([{ namespace, release: 'web', health: { ready: 4, total: 4, workloads: 2 } }])
  expect(systemClock.now() - (watch.seenAt ?? 0)).toBeLessThan(120_000)
  for (const name of ['a', 'b']) await cluster.client.delete(resources.deployments, { namespace, name })
  await eventually(
    () => changes.at(-1)?.health,
    (health) => health?.workloads === 0,
  )
  expect([...watch.all()]).toEqual([])
})
