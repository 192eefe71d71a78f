import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, stays, TestNamespace } from './support/namespace.ts'
import {
  areReady,
  deployment,
  isReady,
  livePods,
  readyBackends,
  template,
  versionOf,
  versions,
} from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const NEVER = 2_000_000_000
const NO_DEADLINE = 2_147_483_647

const gate = (maxUnavailable: number, maxSurge: number | string = 0) => ({
  spec: {
    minReadySeconds: NEVER,
    progressDeadlineSeconds: NO_DEADLINE,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    paused: false,
  },
})

async function reached(app: string, wanted: Readonly<Record<string, number>>): Promise<void> {
  const read = async () => ({ versions: await versions(namespace, app), ready: await areReady(namespace, app) })
  await eventually(
    `${app} is ${JSON.stringify(wanted)}`,
    read,
    (seen) => seen.ready && isDeepStrictEqual(seen.versions, wanted),
  )
}

const holds = (app: string, wanted: Readonly<Record<string, number>>) =>
  stays(
    `${app} is ${JSON.stringify(wanted)}`,
    () => versions(namespace, app),
    (seen) => isDeepStrictEqual(seen, wanted),
  )

/** A Deployment that is paused with a changed template, as `helm upgrade` under pause leaves it. */
async function pausedUpgrade(app: string, replicas: number): Promise<void> {
  await namespace.create('deployments', deployment(app, replicas))
  await reached(app, { 1: replicas })
  await namespace.patch('deployments', app, { spec: { paused: true } })
  await namespace.patch('deployments', app, { spec: { template: template(app, '2') } })
}

describe('a Deployment', () => {
  it('rolls to a new template and says that it is complete', async () => {
    await namespace.create('deployments', deployment('rolls', 3))
    await reached('rolls', { 1: 3 })
    await namespace.patch('deployments', 'rolls', { spec: { template: template('rolls', '2') } })
    await reached('rolls', { 2: 3 })
    const complete = await eventually(
      'status',
      () => namespace.get('deployments', 'rolls'),
      ({ status, metadata }) =>
        status?.observedGeneration === metadata.generation &&
        status?.availableReplicas === 3 &&
        status?.updatedReplicas === 3 &&
        status?.replicas === 3,
    )
    expect(complete.status?.unavailableReplicas ?? 0).toBe(0)
    const revisions = (await namespace.list('replicasets', 'app=rolls')).length
    expect(revisions).toBe(2)
  })

  it('moves no pod and makes no ReplicaSet while it is paused', async () => {
    await pausedUpgrade('paused', 2)
    await holds('paused', { 1: 2 })
    expect(await namespace.list('replicasets', 'app=paused')).toHaveLength(1)
    await namespace.patch('deployments', 'paused', { spec: { replicas: 4 } })
    await reached('paused', { 1: 4 })
  })

  it('keeps enough available pods in front of a version that never becomes ready', async () => {
    await namespace.create('deployments', deployment('broken', 4))
    await reached('broken', { 1: 4 })
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
})

describe('a rollout held by a gate of availability', () => {
  it('stops at as many instances as the gate says, goes on, and completes', async () => {
    await pausedUpgrade('gate', 5)
    await namespace.patch('deployments', 'gate', gate(2))
    await reached('gate', { 1: 3, 2: 2 })
    await holds('gate', { 1: 3, 2: 2 })
    await namespace.patch('deployments', 'gate', gate(3))
    await reached('gate', { 1: 2, 2: 3 })
    const originals = {
      minReadySeconds: 0,
      progressDeadlineSeconds: 600,
      strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    }
    await namespace.patch('deployments', 'gate', { spec: originals })
    await reached('gate', { 2: 5 })
  })

  it('gives deleted pods back in their own version', async () => {
    await pausedUpgrade('deaths', 4)
    await namespace.patch('deployments', 'deaths', gate(2))
    await reached('deaths', { 1: 2, 2: 2 })
    for (const version of ['1', '2']) {
      const pod = (await livePods(namespace, 'deaths')).find((each) => versionOf(each) === version)
      await namespace.remove('pods', pod?.metadata.name ?? '')
      const uids = async () => (await livePods(namespace, 'deaths')).map(({ metadata }) => metadata.uid)
      await eventually('another pod', uids, (all) => all.length === 4 && !all.includes(pod?.metadata.uid ?? ''))
      await reached('deaths', { 1: 2, 2: 2 })
    }
  })

  it('takes the pods with the lowest deletion cost', async () => {
    await pausedUpgrade('chosen', 5)
    await namespace.patch('deployments', 'chosen', gate(1))
    await reached('chosen', { 1: 4, 2: 1 })
    const old = (await livePods(namespace, 'chosen')).filter((pod) => versionOf(pod) === '1')
    const picked = old.slice(1, 3).map(({ metadata }) => metadata.name)
    for (const name of picked) {
      await namespace.patch('pods', name, {
        metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1000' } },
      })
    }
    await namespace.patch('deployments', 'chosen', gate(3))
    await reached('chosen', { 1: 2, 2: 3 })
    const left = (await livePods(namespace, 'chosen')).map(({ metadata }) => metadata.name)
    expect(picked.filter((name) => left.includes(name))).toEqual([])
  })

  it('loses no capacity with a surge', async () => {
    await pausedUpgrade('surge', 4)
    for (const [unavailable, updated] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      await namespace.patch('deployments', 'surge', gate(unavailable, 1))
      await eventually(
        'versions',
        () => versions(namespace, 'surge'),
        (seen) => {
          const total = (seen[1] ?? 0) + (seen[2] ?? 0)
          expect(total).toBeGreaterThanOrEqual(4)
          return seen[2] === updated && total === 5
        },
      )
      await reached('surge', { 1: 5 - updated, 2: updated })
    }
  })

  it('passes scaling on to both sides in proportion', async () => {
    await pausedUpgrade('scaled', 10)
    await namespace.patch('deployments', 'scaled', gate(2))
    await reached('scaled', { 1: 8, 2: 2 })
    await namespace.patch('deployments', 'scaled', { spec: { replicas: 20 } })
    await reached('scaled', { 1: 16, 2: 4 })
    await namespace.patch('deployments', 'scaled', { spec: { paused: true } })
    await namespace.patch('deployments', 'scaled', { spec: { replicas: 40 } })
    await reached('scaled', { 1: 32, 2: 8 })
  })

  it('goes back without touching the pods that were not upgraded', async () => {
    await pausedUpgrade('back', 6)
    await namespace.patch('deployments', 'back', gate(3))
    await reached('back', { 1: 3, 2: 3 })
    const untouched = (await livePods(namespace, 'back'))
      .filter((pod) => versionOf(pod) === '1')
      .map(({ metadata }) => metadata.uid)
    await namespace.patch('deployments', 'back', { spec: { paused: true } })
    await namespace.patch('deployments', 'back', {
      spec: { minReadySeconds: 0, progressDeadlineSeconds: 600, template: template('back', '1') },
    })
    await namespace.patch('deployments', 'back', { spec: { paused: false } })
    await reached('back', { 1: 6 })
    const now = (await livePods(namespace, 'back')).map(({ metadata }) => metadata.uid)
    expect(untouched.filter((uid) => !now.includes(uid))).toEqual([])
  })
})

describe('blue-green inside one Deployment', () => {
  it('switches traffic with the selector of the Service alone', async () => {
    await namespace.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'green' },
      spec: { selector: { app: 'green' }, ports: [{ port: 80 }] },
    })
    await pausedUpgrade('green', 2)
    const hashOf = async (version: string) =>
      (await livePods(namespace, 'green')).find((pod) => versionOf(pod) === version)?.metadata.labels?.[
        'pod-template-hash'
      ]
    const names = async (version: string) =>
      (await livePods(namespace, 'green'))
        .filter((pod) => versionOf(pod) === version)
        .map(({ metadata }) => metadata.name)
    const pin = async (hash: string | undefined | null) =>
      namespace.patch('services', 'green', { spec: { selector: { 'pod-template-hash': hash } } })
    const servedBy = async (version: string) => {
      const wanted = (await names(version)).toSorted()
      await eventually(
        `traffic on ${version}`,
        () => readyBackends(namespace, 'green'),
        (seen) => isDeepStrictEqual(seen.toSorted(), wanted),
      )
    }
    await pin(await hashOf('1'))
    await namespace.patch('deployments', 'green', gate(0, '100%'))
    await reached('green', { 1: 2, 2: 2 })
    await servedBy('1')
    await pin(await hashOf('2'))
    await servedBy('2')
    await pin(await hashOf('1'))
    await servedBy('1')
  })
})

describe('an eviction', () => {
  it('can be asked for without moving anything, and answers to the budget', async () => {
    await namespace.create('deployments', deployment('evicted', 3))
    await namespace.create('poddisruptionbudgets', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'evicted' },
      spec: { minAvailable: 3, selector: { matchLabels: { app: 'evicted' } } },
    })
    await reached('evicted', { 1: 3 })
    const [pod] = await livePods(namespace, 'evicted')
    const name = pod?.metadata.name ?? ''
    const budget = () => namespace.get('poddisruptionbudgets', 'evicted')
    await eventually('healthy pods counted', budget, ({ status }) => status?.currentHealthy === 3)
    expect(await namespace.evict(name, true)).toEqual({ status: 429, causes: ['DisruptionBudget'] })
    await namespace.patch('poddisruptionbudgets', 'evicted', { spec: { minAvailable: 2 } })
    await eventually('one disruption allowed', budget, ({ status }) => status?.disruptionsAllowed === 1)
    expect((await namespace.evict(name, true)).status).toBe(201)
    expect((await livePods(namespace, 'evicted')).map(({ metadata }) => metadata.name)).toContain(name)
    expect((await namespace.evict(name, false)).status).toBe(201)
    await eventually(
      'another pod',
      () => livePods(namespace, 'evicted'),
      (pods) => pods.length === 3 && pods.every(({ metadata }) => metadata.uid !== pod?.metadata.uid),
    )
  })
})
