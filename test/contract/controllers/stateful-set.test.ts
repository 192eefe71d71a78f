import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, stays, TestNamespace } from './support/namespace.ts'
import { shows } from './support/rollout.ts'
import { budget, healed, isReady, livePods, statefulSet, template, versionOf } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

type Members = Readonly<Record<string, string>>

const members = async (app: string): Promise<Members> =>
  Object.fromEntries((await livePods(namespace, app)).filter(isReady).map((pod) => [pod.metadata.name, versionOf(pod)]))

const reached = (app: string, wanted: Members) =>
  eventually(
    `${app} is ${JSON.stringify(wanted)}`,
    () => members(app),
    (seen) => isDeepStrictEqual(seen, wanted),
  )

const partition = (n: number) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: n } } })

/** The members of a set of this size, those from an ordinal on in the new version. */
const split = (app: string, size: number, from: number): Members =>
  Object.fromEntries(Array.from({ length: size }, (_, i) => [`${app}-${i}`, i < from ? '1' : '2']))

/** A set whose template has changed behind a partition, so that nothing has moved. */
async function partedUpgrade(app: string, size: number, spec: object = {}): Promise<void> {
  await namespace.create('statefulsets', statefulSet(app, size, { ...partition(size), ...spec }))
  await reached(app, split(app, size, size))
  await namespace.patch('statefulsets', app, { spec: { template: template(app, '2') } })
}

describe('a StatefulSet', () => {
  it('upgrades down to its partition, and gives pods below it back in the old version', async () => {
    await namespace.create('statefulsets', statefulSet('parted', 3, partition(3)))
    await reached('parted', { 'parted-0': '1', 'parted-1': '1', 'parted-2': '1' })
    await namespace.patch('statefulsets', 'parted', { spec: { template: template('parted', '2') } })
    await stays(
      'the old version',
      () => members('parted'),
      (seen) => Object.values(seen).every((each) => each === '1'),
    )
    await namespace.patch('statefulsets', 'parted', { spec: partition(2) })
    await reached('parted', { 'parted-0': '1', 'parted-1': '1', 'parted-2': '2' })
    const [first] = await livePods(namespace, 'parted')
    await namespace.remove('pods', 'parted-0')
    await eventually(
      'another parted-0',
      () => livePods(namespace, 'parted'),
      (pods) => pods.some(({ metadata }) => metadata.name === 'parted-0' && metadata.uid !== first?.metadata.uid),
    )
    await reached('parted', { 'parted-0': '1', 'parted-1': '1', 'parted-2': '2' })
    await namespace.patch('statefulsets', 'parted', { spec: partition(0) })
    await reached('parted', { 'parted-0': '2', 'parted-1': '2', 'parted-2': '2' })
    const { status } = await eventually(
      'status',
      () => namespace.get('statefulsets', 'parted'),
      (set) => set.status?.currentRevision === set.status?.updateRevision,
    )
    expect(status).toMatchObject({ currentReplicas: 3, updatedReplicas: 3, readyReplicas: 3 })
  })

  it('leaves a broken pod of an abandoned revision where it is', async () => {
    await namespace.create('statefulsets', statefulSet('stuck', 2))
    await reached('stuck', { 'stuck-0': '1', 'stuck-1': '1' })
    await namespace.patch('statefulsets', 'stuck', { spec: { template: template('stuck', '2', 'never-ready') } })
    const broken = async () => (await livePods(namespace, 'stuck')).find(({ metadata }) => metadata.name === 'stuck-1')
    await eventually('the broken pod', broken, (pod) => pod !== undefined && versionOf(pod) === '2-never-ready')
    const back = await namespace.patch('statefulsets', 'stuck', { spec: { template: healed('stuck', '1') } })
    await eventually(
      'the rollback is seen',
      () => namespace.get('statefulsets', 'stuck'),
      ({ status }) => status?.observedGeneration === back.metadata.generation,
    )
    await stays('the broken pod', broken, (pod) => pod !== undefined && versionOf(pod) === '2-never-ready')
    await namespace.remove('pods', 'stuck-1')
    await reached('stuck', { 'stuck-0': '1', 'stuck-1': '1' })
  })

  it('gives a pod back in the new version with OnDelete, and replaces none by itself', async () => {
    await namespace.create(
      'statefulsets',
      statefulSet('asked', 2, { updateStrategy: { type: 'OnDelete' }, podManagementPolicy: 'Parallel' }),
    )
    await reached('asked', { 'asked-0': '1', 'asked-1': '1' })
    await namespace.patch('statefulsets', 'asked', { spec: { template: template('asked', '2') } })
    await stays(
      'the old version',
      () => members('asked'),
      (seen) => Object.values(seen).every((each) => each === '1'),
    )
    await namespace.remove('pods', 'asked-1')
    await reached('asked', { 'asked-0': '1', 'asked-1': '2' })
  })

  it('keeps the claims of pods that are scaled away', async () => {
    const volumeClaimTemplates = [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ]
    await namespace.create(
      'statefulsets',
      statefulSet('claims', 1, { volumeClaimTemplates, podManagementPolicy: 'Parallel' }),
    )
    const claims = async () => (await namespace.list('persistentvolumeclaims')).map(({ metadata }) => metadata.name)
    await eventually('a claim', claims, (names) => names.includes('data-claims-0'))
    await namespace.patch('statefulsets', 'claims', { spec: { replicas: 0 } })
    await eventually(
      'no pods',
      () => livePods(namespace, 'claims'),
      (pods) => pods.length === 0,
    )
    expect(await claims()).toContain('data-claims-0')
  })

  it('moves one pod after another, the highest first, and says how far it is', async () => {
    await partedUpgrade('ordered', 3)
    await namespace.patch('statefulsets', 'ordered', { spec: partition(1) })
    await eventually(
      'two in the new version',
      () => members('ordered'),
      (now) => {
        expect(Object.keys(now).length).toBeGreaterThanOrEqual(2)
        expect(now['ordered-1'] === '2' && now['ordered-2'] !== '2').toBe(false)
        return isDeepStrictEqual(now, split('ordered', 3, 1))
      },
    )
    const counts = { replicas: 3, readyReplicas: 3, currentReplicas: 1, updatedReplicas: 2, availableReplicas: 3 }
    await shows(namespace, 'statefulsets', 'ordered', counts)
  })

  it('names the revision of each pod in its labels, and both in its status', async () => {
    await partedUpgrade('labelled', 2)
    await namespace.patch('statefulsets', 'labelled', { spec: partition(1) })
    await reached('labelled', split('labelled', 2, 1))
    const { status } = await shows(namespace, 'statefulsets', 'labelled', { updatedReplicas: 1, currentReplicas: 1 })
    const hashes = (await livePods(namespace, 'labelled')).map(({ metadata }) => metadata.labels)
    expect(hashes.map((labels) => labels?.['controller-revision-hash'])).toEqual([
      status?.currentRevision,
      status?.updateRevision,
    ])
    expect(status?.currentRevision).not.toBe(status?.updateRevision)
    expect(hashes[1]).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'labelled-1',
      'apps.kubernetes.io/pod-index': '1',
    })
  })

  it.each(['OrderedReady', 'Parallel'])('moves a batch at once that is evicted (%s)', async (podManagementPolicy) => {
    const app = `batch-${podManagementPolicy.toLowerCase()}`
    await partedUpgrade(app, 4, { podManagementPolicy })
    await namespace.create('poddisruptionbudgets', budget(app, { maxUnavailable: 3 }))
    await eventually(
      'three disruptions allowed',
      () => namespace.get('poddisruptionbudgets', app),
      ({ status }) => status?.disruptionsAllowed === 3,
    )
    const batch = (await livePods(namespace, app)).filter(({ metadata }) => metadata.name !== `${app}-0`)
    await namespace.patch('statefulsets', app, { spec: partition(1) })
    for (const { metadata } of batch) {
      const options = { deleteOptions: { preconditions: { uid: metadata.uid } } }
      // The controller may have taken the highest one by itself, and even given it back, already. While that one is not
      // ready it takes up the budget, which is looked at before the UID.
      const evict = async () => (await namespace.evict(metadata.name, options)).status
      await eventually(`${metadata.name} is evicted, or gone`, evict, (status) => [201, 404, 409].includes(status))
    }
    await reached(app, split(app, 4, 1))
    const now = (await livePods(namespace, app)).map(({ metadata }) => metadata.uid)
    expect(batch.filter(({ metadata }) => now.includes(metadata.uid))).toEqual([])
  })

  it('replaces a broken pod of an abandoned revision when it is parallel', async () => {
    await namespace.create('statefulsets', statefulSet('freed', 2, { podManagementPolicy: 'Parallel' }))
    await reached('freed', split('freed', 2, 2))
    await namespace.patch('statefulsets', 'freed', { spec: { template: template('freed', '2', 'never-ready') } })
    await eventually(
      'the broken pod',
      () => livePods(namespace, 'freed'),
      (pods) => pods.some((pod) => versionOf(pod) === '2-never-ready'),
    )
    await namespace.patch('statefulsets', 'freed', { spec: { template: healed('freed', '1') } })
    await reached('freed', split('freed', 2, 2))
  })

  it('refuses a partition for OnDelete, and changes of what must stay', async () => {
    await namespace.create('statefulsets', statefulSet('fixed', 0))
    const refused = async (spec: object) => (await namespace.attempt('statefulsets', 'fixed', { spec })).status
    expect(await refused({ updateStrategy: { type: 'OnDelete' } })).toBe(422)
    expect(await refused({ updateStrategy: { type: 'OnDelete', rollingUpdate: null } })).toBe(200)
    expect(await refused({ podManagementPolicy: 'Parallel' })).toBe(422)
  })
})
