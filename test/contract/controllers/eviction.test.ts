import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { namesOf, reached, uidsOf } from './support/rollout.ts'
import { budget, deployment, livePods, template } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const allows = (app: string, disruptionsAllowed: number, currentHealthy: number) =>
  eventually(
    `${app} allows ${disruptionsAllowed} of ${currentHealthy}`,
    () => namespace.get('poddisruptionbudgets', app),
    ({ status, metadata }) =>
      status?.observedGeneration === metadata.generation &&
      status?.currentHealthy === currentHealthy &&
      status?.disruptionsAllowed === disruptionsAllowed,
  )

describe('an eviction', () => {
  it('can be asked for without moving anything, and answers to the budget', async () => {
    await namespace.create('deployments', deployment('evicted', 3))
    await namespace.create('poddisruptionbudgets', budget('evicted', { minAvailable: 3 }))
    await reached(namespace, 'evicted', { 1: 3 })
    const [pod] = await livePods(namespace, 'evicted')
    const name = pod?.metadata.name ?? ''
    await allows('evicted', 0, 3)
    expect(await namespace.evict(name, { dryRun: true })).toEqual({ status: 429, causes: ['DisruptionBudget'] })
    await namespace.patch('poddisruptionbudgets', 'evicted', { spec: { minAvailable: 2 } })
    await allows('evicted', 1, 3)
    expect((await namespace.evict(name, { dryRun: true })).status).toBe(201)
    expect(namesOf(await livePods(namespace, 'evicted'))).toContain(name)
    expect((await namespace.evict(name)).status).toBe(201)
    await eventually(
      'another pod',
      () => livePods(namespace, 'evicted'),
      (pods) => pods.length === 3 && !uidsOf(pods).includes(pod?.metadata.uid ?? ''),
    )
  })

  it('can be rehearsed by the options in its body', async () => {
    await namespace.create('deployments', deployment('rehearsed', 1))
    await reached(namespace, 'rehearsed', { 1: 1 })
    const [pod] = await livePods(namespace, 'rehearsed')
    expect((await namespace.evict(pod?.metadata.name ?? '', { deleteOptions: { dryRun: ['All'] } })).status).toBe(201)
    expect(uidsOf(await livePods(namespace, 'rehearsed'))).toEqual([pod?.metadata.uid])
  })

  it('is refused for another pod of the same name', async () => {
    await namespace.create('deployments', deployment('guarded', 1))
    await reached(namespace, 'guarded', { 1: 1 })
    const [pod] = await livePods(namespace, 'guarded')
    const { name = '', uid } = pod?.metadata ?? {}
    const another = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } }
    expect((await namespace.evict(name, { deleteOptions: another })).status).toBe(409)
    expect(uidsOf(await livePods(namespace, 'guarded'))).toEqual([uid])
    expect((await namespace.evict(name, { deleteOptions: { preconditions: { uid } } })).status).toBe(201)
    expect((await namespace.evict('nobody')).status).toBe(404)
  })

  it.runIf(TestNamespace.isSimulated)(
    'marks its pod, which goes within its grace period and can be evicted again meanwhile',
    async () => {
      const slowly = { 'practice.flotilla.dev/terminate-ms': '3000' }
      const { metadata, spec } = template('slowly', '1')
      const inTime = { metadata: { ...(metadata as object), annotations: slowly }, spec }
      await namespace.create('deployments', deployment('slowly', 1, { template: inTime }))
      await namespace.create('poddisruptionbudgets', budget('slowly', { maxUnavailable: 1 }))
      await reached(namespace, 'slowly', { 1: 1 })
      await allows('slowly', 1, 1)
      const [pod] = await livePods(namespace, 'slowly')
      const name = pod?.metadata.name ?? ''
      const [first, again] = [await namespace.evict(name), await namespace.evict(name)]
      expect([first.status, again.status]).toEqual([201, 201])
      const gone = async () => (await namespace.list('pods', 'app=slowly')).every((each) => each.metadata.name !== name)
      const going = await namespace.get('pods', name)
      expect(going.metadata.deletionTimestamp).toEqual(expect.any(String))
      const conditions = going.status?.conditions as readonly { readonly type: string; readonly reason?: string }[]
      expect(conditions.find((each) => each.type === 'DisruptionTarget')?.reason).toBe('EvictionByEvictionAPI')
      await eventually('the pod is gone', gone, (isGone) => isGone)
    },
  )

  it('takes unready pods as the policy of the budget says', async () => {
    const one = deployment('unready', 2, { template: template('unready', '1', 'never-ready') })
    await namespace.create('deployments', one)
    await namespace.create('poddisruptionbudgets', budget('unready', { minAvailable: 1 }))
    await eventually(
      'two running pods',
      () => livePods(namespace, 'unready'),
      (pods) => pods.filter(({ status }) => status?.phase === 'Running').length === 2,
    )
    await allows('unready', 0, 0)
    const [pod] = await livePods(namespace, 'unready')
    const name = pod?.metadata.name ?? ''
    expect((await namespace.evict(name, { dryRun: true })).status).toBe(429)
    const policy = { unhealthyPodEvictionPolicy: 'AlwaysAllow' }
    await namespace.patch('poddisruptionbudgets', 'unready', { spec: policy })
    expect((await namespace.evict(name, { dryRun: true })).status).toBe(201)
  })
})
