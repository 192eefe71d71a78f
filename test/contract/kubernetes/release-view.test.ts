import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../src/infra/clock.ts'
import {
  createDiscovery,
  createReleaseView,
  type KubeObject,
  parseManifest,
  type ReleaseView,
  resources,
} from '../../../src/infra/kubernetes/index.ts'
import { eventually, podsAnswer, practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { configMap, deployment, job, statefulSet } from './objects.ts'

let cluster: TestCluster
let view: ReleaseView
beforeAll(async () => {
  cluster = await practiceCluster()
  view = createReleaseView(cluster.client, systemClock)
})
afterAll(() => cluster.stop())

const manifestOf = (...objects: readonly KubeObject[]): string =>
  objects.map((each) => `---\n${stringify(each)}`).join('')

type Quota = KubeObject & { readonly status?: { readonly hard?: { readonly pods?: string } } }

/** Applies a manifest as helm does. */
async function apply(namespace: string, manifest: string): Promise<void> {
  const discovery = createDiscovery(cluster.client, systemClock)
  for (const { apiVersion, kind, name, body } of parseManifest(manifest)) {
    const resource = await discovery.find(apiVersion, kind)
    if (resource === null) throw new Error(`${kind} is not served`)
    await cluster.client.patch(
      resource,
      { namespace, name },
      { type: 'apply', body, fieldManager: 'helm', force: true },
    )
  }
}

async function remove(namespace: string, manifest: string): Promise<void> {
  const discovery = createDiscovery(cluster.client, systemClock)
  for (const { apiVersion, kind, name } of parseManifest(manifest)) {
    const resource = await discovery.find(apiVersion, kind)
    if (resource !== null) await cluster.client.delete(resource, { namespace, name })
  }
}

test('a release becomes ready', async () => {
  const namespace = await cluster.namespace('ready')
  const manifest = manifestOf(deployment('web', { replicas: 3 }), statefulSet('store', { replicas: 2 }), configMap('c'))
  const before = await view.readiness(manifest, namespace, { jobs: true })
  expect(before).toMatchObject({ settled: false, failed: false })
  expect(before.blockers).toContain('Deployment web: it is not there')
  await apply(namespace, manifest)
  const read = () => view.readiness(manifest, namespace, { jobs: true })
  const after = await eventually(read, ({ settled }) => settled)
  expect(after).toEqual({ ready: 5, total: 5, settled: true, failed: false, blockers: [], stuckPods: [] })
})

test('Jobs count only when they are asked for, and fail for good', async () => {
  const namespace = await cluster.namespace('jobs')
  const manifest = manifestOf(job('migrate', { tag: 'fail' }))
  await apply(namespace, manifest)
  expect(await view.readiness(manifest, namespace, { jobs: false })).toMatchObject({ settled: true })
  const failed = await eventually(
    () => view.readiness(manifest, namespace, { jobs: true }),
    (readiness) => readiness.failed,
  )
  expect(failed.settled).toBe(false)
  expect(failed.blockers[0]).toMatch(/^Job migrate: /)
})

test.runIf(podsAnswer)('what did not become ready leaves evidence, and no values', async () => {
  const namespace = await cluster.namespace('evidence')
  const manifest = manifestOf(deployment('web', { replicas: 2, tag: 'crash' }))
  await apply(namespace, manifest)
  const text = await eventually(
    async () => JSON.stringify(await view.evidence(manifest, namespace)),
    (evidence) => /CrashLoopBackOff|Error/.test(evidence) && /"log":\["/.test(evidence),
  )
  expect(text).not.toContain('canary')
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024)
  const { pods, workloads } = JSON.parse(text)
  expect(pods).toHaveLength(2)
  expect(workloads[0].object).toBe('Deployment web')
  expect(pods[0].events.length).toBeGreaterThan(0)
})

test.runIf(podsAnswer)('hooks that have not ended well are told: those that were made since', async () => {
  const namespace = await cluster.namespace('hooks')
  const annotations = { 'helm.sh/hook': 'pre-upgrade' }
  const manifest = manifestOf(job('broken', { tag: 'fail', annotations }), job('good', { annotations }))
  await apply(namespace, manifest)
  const found = await eventually(
    () => view.hookEvidence(manifest, namespace, 0),
    (hooks) =>
      hooks?.hooks.some(({ failed }) => failed) === true &&
      !JSON.stringify(hooks).includes('good') &&
      JSON.stringify(hooks).includes('"log":["'),
  )
  expect(found?.evidence).toMatchObject({ workloads: [{ object: 'Job broken' }] })
  expect(await view.hookEvidence(manifest, namespace, Date.now() + 60_000)).toBeNull()
  const named = { kind: 'Job', name: 'broken', events: ['pre-upgrade'], failed: true }
  expect(found?.hooks).toMatchObject([named])
  expect(await view.unfinishedHooks(manifest, namespace, 0)).toMatchObject([named])
})

test.runIf(podsAnswer)(
  'a hook whose pod cannot start tells why, without what the cluster writes beside it',
  async () => {
    const namespace = await cluster.namespace('hook-pods')
    const annotations = { 'helm.sh/hook': 'pre-upgrade' }
    const starting = (tag: string) => {
      const manifest = manifestOf(job(tag, { tag, annotations }))
      const problem = async () => (await view.unfinishedHooks(manifest, namespace, 0))[0]?.problem ?? ''
      return apply(namespace, manifest).then(() => problem)
    }
    const [unpulled, unscheduled] = [await starting('imagepull'), await starting('pending')]
    await eventually(unpulled, (problem) => /^pod imagepull-\S+: container \S+: ImagePullBackOff$/.test(problem))
    await eventually(unscheduled, (problem) => /^pod pending-\S+: 0\/\d+ nodes are available/.test(problem))
  },
)

test('a hook for which no pod can be made tells why, and so does what is kept of it', async () => {
  const namespace = await cluster.namespace('hook-refused')
  const metadata = { name: 'limits', namespace }
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } }
  await cluster.client.create(resources.resourceQuotas, quota)
  await eventually(
    () => cluster.client.get<Quota>(resources.resourceQuotas, metadata),
    ({ status }) => status?.hard?.pods === '0',
  )
  const manifest = manifestOf(job('refused', { annotations: { 'helm.sh/hook': 'pre-upgrade' } }))
  await apply(namespace, manifest)
  const why =
    /pods "refused-[^"]*" is forbidden: exceeded quota: limits, requested: pods=1, used: pods=0, limited: pods=0$/
  const [hook] = await eventually(
    () => view.unfinishedHooks(manifest, namespace, 0),
    ([first]) => why.test(first?.problem ?? ''),
  )
  expect(hook).toMatchObject({
    name: 'refused',
    failed: false,
    problem: expect.stringMatching(/^it has no pod: pods "/),
  })
  const left = await view.hookEvidence(manifest, namespace, 0)
  expect(left?.hooks).toMatchObject([{ name: 'refused', problem: expect.stringMatching(why) }])
  expect(left?.evidence).toMatchObject({
    workloads: [
      {
        object: 'Job refused',
        reason: expect.stringMatching(why),
        events: expect.arrayContaining([expect.objectContaining({ reason: 'FailedCreate' })]),
      },
    ],
    pods: [],
  })
})

test.runIf(podsAnswer)('of two hooks the newer one comes first: helm is at that', async () => {
  const namespace = await cluster.namespace('hook-order')
  const annotations = { 'helm.sh/hook': 'pre-upgrade' }
  const [older, newer] = [job('older', { tag: 'fail', annotations }), job('newer', { tag: 'fail', annotations })]
  const manifest = manifestOf(older, newer)
  await apply(namespace, manifestOf(older))
  // Kubernetes keeps the second in which an object was made.
  const next = Math.ceil(Date.now() / 1000 + 1) * 1000
  await eventually(
    async () => Date.now(),
    (now) => now > next,
  )
  await apply(namespace, manifestOf(newer))
  const hooks = await eventually(
    () => view.unfinishedHooks(manifest, namespace, 0),
    ({ length }) => length === 2,
  )
  expect(hooks.map(({ name }) => name)).toEqual(['newer', 'older'])
})

test('pods that stop are waited for after their workloads have gone, and tell until when', async () => {
  const namespace = await cluster.namespace('stopping')
  const manifest = manifestOf(deployment('web', { replicas: 1 }), statefulSet('store'))
  await apply(namespace, manifest)
  await eventually(
    () => view.readiness(manifest, namespace, { jobs: false }),
    ({ settled }) => settled,
  )
  const { items } = await cluster.client.listMetadata(resources.pods, { namespace })
  const slow = { metadata: { annotations: { 'practice.flotilla.dev/terminate-ms': '30000' } } }
  for (const { metadata } of items)
    await cluster.client.patch(resources.pods, { namespace, name: metadata.name }, { type: 'merge', body: slow })
  await remove(namespace, manifest)
  const stopping = await eventually(
    () => view.remains(manifest, namespace, 'r'),
    (seen) => seen.stopping !== undefined && seen.stopping.until !== null,
  )
  expect(stopping).toMatchObject({ gone: false, deleting: true, leftovers: [{ kind: 'PersistentVolumeClaim' }] })
  expect(stopping.remaining.map(({ name }) => name).sort()).toEqual(items.map(({ metadata }) => metadata.name).sort())
  expect(stopping.blockers[0]).toMatch(/^Pod \S+: it is stopping, until \S+Z at the latest$/)
  expect(stopping.stopping?.until).toBeGreaterThan(Date.now())
  for (const { metadata } of items)
    await cluster.client.delete(resources.pods, { namespace, name: metadata.name }, { gracePeriodSeconds: 0 })
  await eventually(
    () => view.remains(manifest, namespace, 'r'),
    (remains) => remains.gone,
  )
})

test('pods that whoever deleted the workload has orphaned are not waited for', async () => {
  const namespace = await cluster.namespace('orphaned')
  const manifest = manifestOf(deployment('web', { replicas: 1 }))
  await apply(namespace, manifest)
  await eventually(
    () => view.readiness(manifest, namespace, { jobs: false }),
    ({ settled }) => settled,
  )
  await cluster.client.delete(resources.deployments, { namespace, name: 'web' }, { propagation: 'Orphan' })
  const remains = await eventually(
    () => view.remains(manifest, namespace, 'r'),
    ({ gone }) => gone,
  )
  expect(remains).toMatchObject({ gone: true, remaining: [] })
  const { items } = await cluster.client.listMetadata(resources.pods, { namespace })
  expect(items.map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined])
})

test('an uninstall is done when the objects are gone; what stays is named', async () => {
  const namespace = await cluster.namespace('remains')
  const kept = configMap('kept', { annotations: { 'helm.sh/resource-policy': 'keep' } })
  const held = { ...configMap('held'), metadata: { ...configMap('held').metadata, finalizers: ['example.com/hold'] } }
  const going = manifestOf(statefulSet('store'), held)
  const manifest = going + manifestOf(kept)
  await apply(namespace, manifest)
  await eventually(
    () => view.readiness(manifest, namespace, { jobs: false }),
    ({ settled }) => settled,
  )
  const before = await view.remains(manifest, namespace, 'r')
  expect(before.blockers).toContain('StatefulSet store: it is not being deleted')
  await remove(namespace, going)
  const blocked = await eventually(
    () => view.remains(manifest, namespace, 'r'),
    ({ blockers }) => blockers.length === 1,
  )
  expect(blocked).toMatchObject({ gone: false, blockers: ['ConfigMap held: held by example.com/hold'] })
  const release = { type: 'merge', body: { metadata: { finalizers: null } } } as const
  const discovery = createDiscovery(cluster.client, systemClock)
  const configMaps = await discovery.find('v1', 'ConfigMap')
  if (configMaps === null) throw new Error('no ConfigMaps')
  await cluster.client.patch(configMaps, { namespace, name: 'held' }, release)
  const gone = await eventually(
    () => view.remains(manifest, namespace, 'r'),
    (remains) => remains.gone,
  )
  expect(gone.leftovers).toEqual([
    { kind: 'ConfigMap', name: 'kept', why: 'kept by its resource policy' },
    { kind: 'PersistentVolumeClaim', name: 'data-store-0', why: 'a StatefulSet leaves its volume claims' },
  ])
})

test('a broken pod of an abandoned StatefulSet revision is found and removed, and the set becomes ready', async () => {
  const namespace = await cluster.namespace('stuck')
  const good = manifestOf(statefulSet('store', { replicas: 3 }))
  const bad = manifestOf(statefulSet('store', { replicas: 3, tag: 'crash' }))
  const read = () => view.readiness(good, namespace, { jobs: false })
  await apply(namespace, good)
  await eventually(read, ({ settled }) => settled)
  await apply(namespace, bad)
  await eventually(read, ({ ready }) => ready === 2)
  expect((await read()).stuckPods).toEqual([])
  await apply(namespace, good)
  const { stuckPods } = await eventually(read, (readiness) => readiness.stuckPods.length > 0)
  expect(stuckPods.map(({ name }) => name)).toEqual(['store-2'])
  await view.removePods(namespace, [{ name: 'store-1', uid: 'not-its-uid' }, ...stuckPods])
  expect(await eventually(read, ({ settled }) => settled)).toMatchObject({ ready: 3, total: 3, stuckPods: [] })
})

test('nothing is told of objects elsewhere that a manifest names, but of those that the release has made there', async () => {
  const [namespace, elsewhere] = [await cluster.namespace('own'), await cluster.namespace('elsewhere')]
  await apply(elsewhere, manifestOf(deployment('web', { replicas: 2 })))
  await eventually(
    () => view.readiness(manifestOf(deployment('web')), elsewhere, { jobs: false }),
    ({ settled }) => settled,
  )
  const theirs = manifestOf(deployment('web', { namespace: elsewhere }))
  const unknown = manifestOf(deployment('nowhere', { namespace: elsewhere }))
  const told = async (manifest: string) => [
    await view.readiness(manifest, namespace, { jobs: false }),
    await view.remains(manifest, namespace, 'evil'),
  ]
  const blank = (answer: readonly unknown[]) => JSON.stringify(answer).replaceAll('nowhere', 'web')
  expect(blank(await told(theirs))).toBe(blank(await told(unknown)))
  expect((await view.remains(theirs, namespace, 'evil')).gone).toBe(true)

  const annotations = { 'meta.helm.sh/release-name': 'good', 'meta.helm.sh/release-namespace': namespace }
  const granted = manifestOf(deployment('granted', { namespace: elsewhere, annotations }))
  await apply(elsewhere, granted)
  expect((await view.remains(granted, namespace, 'good')).gone).toBe(false)
  await eventually(
    () => view.readiness(granted, namespace, { jobs: false }),
    ({ settled }) => settled,
  )
})

test('what earlier revisions left is told by the mark of the release; of what lies elsewhere, nothing', async () => {
  const [namespace, elsewhere] = [await cluster.namespace('past'), await cluster.namespace('elsewhere')]
  const marked = (name: string, more: object = {}) => {
    const annotations = { 'meta.helm.sh/release-name': 'r', 'meta.helm.sh/release-namespace': namespace }
    return configMap(name, { annotations: { ...annotations, ...more } })
  }
  const policy = { 'helm.sh/resource-policy': 'keep' }
  const hook = configMap('hook', { annotations: { 'helm.sh/hook': 'pre-install' } })
  const past = manifestOf(marked('left'), marked('kept', policy), configMap('theirs'), hook, statefulSet('gone'))
  await apply(namespace, past)
  await eventually(
    () => cluster.client.listMetadata(resources.volumeClaims, { namespace }),
    ({ items }) => items.length === 1,
  )
  await remove(namespace, manifestOf(statefulSet('gone')))
  await apply(elsewhere, manifestOf(configMap('foreign')))
  const forged = manifestOf(configMap('foreign', { namespace: elsewhere }))
  async function* history() {
    yield { revision: 3, manifest: manifestOf(configMap('newest')) }
    yield { revision: 2, manifest: past + forged }
  }
  expect(await view.leftBehind(history(), namespace, 'r')).toEqual([
    { kind: 'ConfigMap', name: 'left', why: 'revision 2 made it, and none has removed it since' },
    { kind: 'ConfigMap', name: 'kept', why: 'kept by its resource policy' },
    { kind: 'ConfigMap', name: 'hook', why: 'made by a hook' },
    { kind: 'PersistentVolumeClaim', name: 'data-gone-0', why: 'a StatefulSet leaves its volume claims' },
  ])
  await cluster.client.delete(resources.namespaces, { name: namespace })
  expect(await view.leftBehind(history(), namespace, 'r')).toEqual([])
})

test('a namespace is made once', async () => {
  const name = `${await cluster.namespace('ensure')}-too`
  await view.ensureNamespace(name, { 'flotilla.dev/tenant': 'one' })
  await view.ensureNamespace(name, { 'flotilla.dev/tenant': 'two' })
  const found = await cluster.client.text(`/api/v1/namespaces/${name}`)
  expect(JSON.parse(found).metadata.labels['flotilla.dev/tenant']).toBe('one')
})

test('in a namespace that is being deleted all of it goes, whatever has not been told to yet', async () => {
  const namespace = await cluster.namespace('terminating')
  const kept = configMap('kept', { annotations: { 'helm.sh/resource-policy': 'keep' } })
  const manifest = manifestOf(configMap('web'), kept)
  await apply(namespace, manifest)
  // Pods go first: this one holds all that comes after it.
  const metadata = { name: 'held', finalizers: ['example.com/hold'] }
  const spec = { containers: [{ name: 'main', image: 'registry.invalid/app:1' }] }
  await cluster.client.create(resources.pods, { metadata: { ...metadata, namespace }, spec } as KubeObject)
  await cluster.client.delete(resources.namespaces, { name: namespace })
  const blockers = ['ConfigMap web: it is being deleted', 'ConfigMap kept: it is being deleted']
  expect(await view.remains(manifest, namespace, 'r')).toMatchObject({
    ...{ gone: false, deleting: true, blockers, leftovers: [] },
  })
  const release = { type: 'merge', body: { metadata: { finalizers: null } } } as const
  await cluster.client.patch(resources.pods, { namespace, name: 'held' }, release)
  const gone = await eventually(
    () => view.remains(manifest, namespace, 'r'),
    (remains) => remains.gone,
  )
  expect(gone.leftovers).toEqual([])
})
