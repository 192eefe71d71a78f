import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, stays, TestNamespace } from './support/namespace.ts'
import { healed, isReady, livePods, statefulSet, template, versionOf } from './support/workloads.ts'

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
})
