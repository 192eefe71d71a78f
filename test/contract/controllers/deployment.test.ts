import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { gate, holds, pausedUpgrade, reached, shows } from './support/rollout.ts'
import { deployment, isReady, livePods, template } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

describe('a Deployment', () => {
  it('rolls to a new template and says that it is complete', async () => {
    await namespace.create('deployments', deployment('rolls', 3))
    await reached(namespace, 'rolls', { 1: 3 })
    await namespace.patch('deployments', 'rolls', { spec: { template: template('rolls', '2') } })
    await reached(namespace, 'rolls', { 2: 3 })
    const counts = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, unavailableReplicas: 0 }
    await shows(namespace, 'deployments', 'rolls', counts)
    expect(await namespace.list('replicasets', 'app=rolls')).toHaveLength(2)
  })

  it('moves no pod and makes no ReplicaSet while it is paused', async () => {
    await pausedUpgrade(namespace, 'paused', 2)
    await holds(namespace, 'paused', { 1: 2 })
    expect(await namespace.list('replicasets', 'app=paused')).toHaveLength(1)
    await namespace.patch('deployments', 'paused', { spec: { replicas: 4 } })
    await reached(namespace, 'paused', { 1: 4 })
  })

  it('keeps enough available pods in front of a version that never becomes ready', async () => {
    await namespace.create('deployments', deployment('broken', 4))
    await reached(namespace, 'broken', { 1: 4 })
    await namespace.patch('deployments', 'broken', {
      spec: { progressDeadlineSeconds: 2, template: template('broken', '2', 'never-ready') },
    })
    type Condition = { readonly type: string; readonly reason: string }
    await eventually(
      'the deadline shows',
      () => namespace.get('deployments', 'broken'),
      ({ status }) =>
        ((status?.conditions ?? []) as Condition[]).some((each) => each.reason === 'ProgressDeadlineExceeded'),
    )
    expect((await livePods(namespace, 'broken')).filter(isReady)).toHaveLength(3)
  })

  it('scales to replicas and surge when the surge is raised under pause', async () => {
    await pausedUpgrade(namespace, 'raised', 10)
    await namespace.patch('deployments', 'raised', gate(5))
    await reached(namespace, 'raised', { 1: 5, 2: 5 })
    await namespace.patch('deployments', 'raised', { spec: { paused: true } })
    await namespace.patch('deployments', 'raised', { spec: { strategy: { rollingUpdate: { maxSurge: '25%' } } } })
    await eventually(
      'three more pods',
      () => livePods(namespace, 'raised'),
      (pods) => pods.length === 13,
    )
  })

  it('counts no pod as available behind a gate on an unchanged template', async () => {
    await namespace.create('deployments', deployment('early', 4))
    await reached(namespace, 'early', { 1: 4 })
    await namespace.patch('deployments', 'early', gate(1))
    await shows(namespace, 'deployments', 'early', { readyReplicas: 4, availableReplicas: 0, unavailableReplicas: 4 })
    await namespace.patch('deployments', 'early', { spec: { template: template('early', '2') } })
    await shows(namespace, 'deployments', 'early', { updatedReplicas: 1, readyReplicas: 4, availableReplicas: 0 })
  })

  it('refuses a strategy that could never move, and a deadline that comes too early', async () => {
    await namespace.create('deployments', deployment('refused', 1))
    const refused = async (spec: object) => {
      const { status, body } = await namespace.attempt('deployments', 'refused', { spec })
      const { causes = [] } = (body.details ?? {}) as { causes?: readonly { readonly field: string }[] }
      return [status, ...causes.map(({ field }) => field)]
    }
    expect(await refused({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } })).toEqual([
      422,
      'spec.strategy.rollingUpdate.maxUnavailable',
    ])
    expect(await refused({ minReadySeconds: 2_000_000_000 })).toEqual([422, 'spec.progressDeadlineSeconds'])
    expect(await refused({ strategy: { type: 'Recreate' } })).toEqual([422, 'spec.strategy.rollingUpdate'])
  })
})
