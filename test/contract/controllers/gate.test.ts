import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import {
  gate,
  holds,
  namesOf,
  originals,
  pausedUpgrade,
  podsOf,
  reached,
  replaced,
  shows,
  uidsOf,
} from './support/rollout.ts'
import { budget, livePods, readyBackends, service, template } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

/** Opens a gate in front of a Deployment that was upgraded under pause. */
async function held(app: string, replicas: number, upgraded: number): Promise<void> {
  await pausedUpgrade(namespace, app, replicas)
  await namespace.patch('deployments', app, gate(upgraded))
  await reached(namespace, app, { 1: replicas - upgraded, 2: upgraded })
}

describe('a rollout held by a gate of availability', () => {
  it('stops at as many instances as the gate says, goes on, and completes', async () => {
    await held('gate', 5, 2)
    await holds(namespace, 'gate', { 1: 3, 2: 2 })
    await namespace.patch('deployments', 'gate', gate(3))
    await reached(namespace, 'gate', { 1: 2, 2: 3 })
    await namespace.patch('deployments', 'gate', { spec: originals })
    await reached(namespace, 'gate', { 2: 5 })
    await shows(namespace, 'deployments', 'gate', { updatedReplicas: 5, availableReplicas: 5, replicas: 5 })
  })

  it('has new instances that are Ready and take traffic, and are never available', async () => {
    await namespace.create('services', service('traffic'))
    await held('traffic', 4, 2)
    const counts = { replicas: 4, updatedReplicas: 2, readyReplicas: 4, availableReplicas: 2, unavailableReplicas: 2 }
    await shows(namespace, 'deployments', 'traffic', counts)
    const fresh = namesOf(await podsOf(namespace, 'traffic', '2'))
    await eventually(
      'new instances among the endpoints',
      () => readyBackends(namespace, 'traffic'),
      (names) => names.length === 4 && fresh.every((name) => names.includes(name)),
    )
  })

  it('gives deleted pods back in their own version', async () => {
    await held('deaths', 4, 2)
    for (const version of ['1', '2']) {
      const [pod] = await podsOf(namespace, 'deaths', version)
      await replaced(namespace, 'deaths', pod?.metadata.name ?? '')
      await reached(namespace, 'deaths', { 1: 2, 2: 2 })
    }
  })

  it('takes the pods with the lowest deletion cost', async () => {
    await held('chosen', 5, 1)
    const picked = namesOf(await podsOf(namespace, 'chosen', '1')).slice(1, 3)
    const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-1000' }
    for (const name of picked) await namespace.patch('pods', name, { metadata: { annotations } })
    await namespace.patch('deployments', 'chosen', gate(3))
    await reached(namespace, 'chosen', { 1: 2, 2: 3 })
    const left = namesOf(await livePods(namespace, 'chosen'))
    expect(picked.filter((name) => left.includes(name))).toEqual([])
  })

  it('does not ask PodDisruptionBudgets, which refuse an eviction', async () => {
    await namespace.create('poddisruptionbudgets', budget('unasked', { maxUnavailable: 0 }))
    await held('unasked', 2, 1)
    const [pod] = await podsOf(namespace, 'unasked', '1')
    expect((await namespace.evict(pod?.metadata.name ?? '', { dryRun: true })).status).toBe(429)
    await namespace.patch('deployments', 'unasked', gate(2))
    await reached(namespace, 'unasked', { 2: 2 })
  })

  it('passes scaling on to both sides in proportion, also under pause', async () => {
    await held('scaled', 10, 2)
    await namespace.patch('deployments', 'scaled', { spec: { replicas: 20 } })
    await reached(namespace, 'scaled', { 1: 16, 2: 4 })
    await namespace.patch('deployments', 'scaled', { spec: { paused: true } })
    await namespace.patch('deployments', 'scaled', { spec: { replicas: 40 } })
    await reached(namespace, 'scaled', { 1: 32, 2: 8 })
  })

  it('refuses a patch that was made from what was there before', async () => {
    await held('stale', 2, 1)
    const { metadata } = await namespace.get('deployments', 'stale')
    await namespace.patch('deployments', 'stale', { metadata: { annotations: { touched: 'yes' } } })
    const late = { metadata: { resourceVersion: metadata.resourceVersion }, ...gate(2) }
    expect((await namespace.attempt('deployments', 'stale', late)).status).toBe(409)
  })

  it('goes back without touching the pods that were not upgraded', async () => {
    await held('back', 10, 5)
    const untouched = uidsOf(await podsOf(namespace, 'back', '1'))
    const hashes = async () => namesOf(await namespace.list('replicasets', 'app=back'))
    const before = await hashes()
    await namespace.patch('deployments', 'back', { spec: { paused: true } })
    const { strategy, ...limits } = originals
    await namespace.patch('deployments', 'back', { spec: limits })
    await namespace.patch('deployments', 'back', { spec: { template: template('back', '1') } })
    await namespace.patch('deployments', 'back', { spec: { paused: false } })
    await namespace.patch('deployments', 'back', { spec: { strategy } })
    await reached(namespace, 'back', { 1: 10 })
    const now = uidsOf(await livePods(namespace, 'back'))
    expect(untouched.filter((uid) => !now.includes(uid))).toEqual([])
    expect(await hashes()).toEqual(before)
  })
})

describe('a gate with a surge', () => {
  const steps = [
    { replicas: 4, surge: 1, upgraded: [1, 2, 3, 4] },
    { replicas: 10, surge: 3, upgraded: [3, 6, 9, 10] },
  ] as const

  it.each(steps)('loses no capacity: $surge of $replicas at a time', async ({ replicas, surge, upgraded }) => {
    const app = `surge-${replicas}`
    await pausedUpgrade(namespace, app, replicas)
    for (const [step, count] of upgraded.entries()) {
      await namespace.patch('deployments', app, gate(step * surge, surge))
      await reached(namespace, app, { 1: replicas - step * surge, 2: count }, replicas)
    }
    await namespace.patch('deployments', app, { spec: originals })
    await reached(namespace, app, { 2: replicas }, replicas)
  })

  it('always has a ready endpoint for a single instance', async () => {
    await namespace.create('services', service('single'))
    await pausedUpgrade(namespace, 'single', 1)
    const serves = async () => expect((await readyBackends(namespace, 'single')).length).toBeGreaterThan(0)
    const [old] = await podsOf(namespace, 'single', '1')
    await eventually(
      'an endpoint',
      () => readyBackends(namespace, 'single'),
      (names) => names.length === 1,
    )
    await namespace.patch('deployments', 'single', gate(0, 1))
    await reached(namespace, 'single', { 1: 1, 2: 1 }, 1)
    await serves()
    await namespace.patch('deployments', 'single', gate(1, 1))
    await eventually(
      'the new instance alone',
      () => readyBackends(namespace, 'single'),
      (names) => {
        expect(names.length).toBeGreaterThan(0)
        return names.length === 1 && !names.includes(old?.metadata.name ?? '')
      },
    )
  })
})

describe('a gate, when the control plane restarts', () => {
  it.runIf(TestNamespace.isSimulated)('holds, and goes on as if nothing had been', async () => {
    await held('survives', 4, 2)
    const before = uidsOf(await livePods(namespace, 'survives')).toSorted()
    await namespace.restart()
    await holds(namespace, 'survives', { 1: 2, 2: 2 })
    expect(uidsOf(await livePods(namespace, 'survives')).toSorted()).toEqual(before)
    await namespace.patch('deployments', 'survives', gate(3))
    await reached(namespace, 'survives', { 1: 1, 2: 3 })
  })
})
