import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { holds, namesOf, podsOf, reached, replaced, shows } from './support/rollout.ts'
import { daemonSet, isReady, livePods, template, versionOf } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const POOL = 'contract.example/pool'

/** A template for the nodes of one pool, which nothing else runs on. */
function pooled(app: string, version: string, fault?: 'never-ready'): object {
  const { metadata, spec } = template(app, version, fault) as { metadata: object; spec: object }
  const tolerations = [{ key: POOL, operator: 'Equal', value: app, effect: 'NoSchedule' }]
  return { metadata, spec: { ...spec, nodeSelector: { [POOL]: `${namespace.name}-${app}` }, tolerations } }
}

const nodeOf = (app: string, i: number): string => `${namespace.name}-${app}-${i}`

const join = (app: string, i: number) =>
  namespace.createNode(
    nodeOf(app, i),
    { [POOL]: `${namespace.name}-${app}` },
    { taints: [{ key: POOL, value: app, effect: 'NoSchedule' }] },
  )

const rolling = (maxUnavailable: number, maxSurge = 0) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
})
const onDelete = { updateStrategy: { type: 'OnDelete', rollingUpdate: null } }

/** A DaemonSet on so many nodes of its own, all of its pods ready. */
async function settled(app: string, nodes: number, spec: object): Promise<void> {
  await Promise.all(Array.from({ length: nodes }, (_, i) => join(app, i)))
  await namespace.create('daemonsets', daemonSet(app, { template: pooled(app, '1'), ...spec }))
  await reached(namespace, app, { 1: nodes })
}

const upgrade = (app: string) => namespace.patch('daemonsets', app, { spec: { template: pooled(app, '2') } })

const places = async (app: string) => (await livePods(namespace, app)).map(({ spec }) => String(spec.nodeName))

describe('a DaemonSet', () => {
  it.each([1, 2, 10, 50])('has one pod on each of %i nodes, and rolls over them', async (nodes) => {
    const app = `agent-${nodes}`
    await settled(app, nodes, rolling(Math.ceil(nodes / 2)))
    expect(new Set(await places(app)).size).toBe(nodes)
    const counts = { desiredNumberScheduled: nodes, numberReady: nodes, numberAvailable: nodes }
    await shows(namespace, 'daemonsets', app, { ...counts, updatedNumberScheduled: nodes, numberUnavailable: 0 })
    await upgrade(app)
    await reached(namespace, app, { 2: nodes }, Math.floor(nodes / 2))
    await shows(namespace, 'daemonsets', app, { ...counts, updatedNumberScheduled: nodes })
  })

  it('replaces only what goes with OnDelete, and gives that back in the new version', async () => {
    await settled('asked', 3, onDelete)
    await upgrade('asked')
    await holds(namespace, 'asked', { 1: 3 })
    const [pod] = await livePods(namespace, 'asked')
    await replaced(namespace, 'asked', pod?.metadata.name ?? '')
    await reached(namespace, 'asked', { 1: 2, 2: 1 })
    await shows(namespace, 'daemonsets', 'asked', { updatedNumberScheduled: 1, numberReady: 3 })
    const [fresh] = await podsOf(namespace, 'asked', '2')
    expect(fresh?.spec.nodeName).toBe(pod?.spec.nodeName)
  })

  it('moves the pods that are evicted, by their nodes', async () => {
    await settled('evicted', 4, onDelete)
    await upgrade('evicted')
    const batch = (await livePods(namespace, 'evicted')).slice(0, 2)
    for (const name of namesOf(batch)) expect((await namespace.evict(name)).status).toBe(201)
    await reached(namespace, 'evicted', { 1: 2, 2: 2 })
    const moved = (await podsOf(namespace, 'evicted', '2')).map(({ spec }) => spec.nodeName)
    expect(moved.toSorted()).toEqual(batch.map(({ spec }) => spec.nodeName).toSorted())
  })

  it('starts new pods beside the old ones with a surge', async () => {
    await settled('surge', 3, rolling(0, 1))
    await upgrade('surge')
    await reached(namespace, 'surge', { 2: 3 }, 3)
  })

  it('names the revision of its pods in their labels', async () => {
    await settled('labelled', 2, onDelete)
    await upgrade('labelled')
    const [pod] = await livePods(namespace, 'labelled')
    await replaced(namespace, 'labelled', pod?.metadata.name ?? '')
    await reached(namespace, 'labelled', { 1: 1, 2: 1 })
    const hashes = async (version: string) =>
      (await podsOf(namespace, 'labelled', version)).map(
        ({ metadata }) => metadata.labels?.['controller-revision-hash'],
      )
    const revisions = await namespace.list('controllerrevisions', 'app=labelled')
    const known = revisions.map(({ metadata }) => metadata.labels?.['controller-revision-hash'])
    expect([...(await hashes('1')), ...(await hashes('2'))].toSorted()).toEqual(known.toSorted())
  })

  it('follows nodes that join and leave', async () => {
    await settled('follows', 1, rolling(1))
    await join('follows', 1)
    await reached(namespace, 'follows', { 1: 2 })
    await namespace.removeNode(nodeOf('follows', 0))
    await eventually(
      'the pod of the other node alone',
      () => places('follows'),
      (seen) => isDeepStrictEqual(seen, [nodeOf('follows', 1)]),
      // A real cluster looks every 20 s for pods whose node has been gone for 40 s.
      120_000,
    )
    await shows(namespace, 'daemonsets', 'follows', { desiredNumberScheduled: 1, numberReady: 1 })
  }, 180_000)

  it('stops at a new version that never becomes ready', async () => {
    await settled('broken', 3, rolling(1))
    await namespace.patch('daemonsets', 'broken', { spec: { template: pooled('broken', '2', 'never-ready') } })
    const read = async () => (await livePods(namespace, 'broken')).map((pod) => `${versionOf(pod)} ${isReady(pod)}`)
    const wanted = ['1 true', '1 true', '2-never-ready false']
    await eventually('one broken pod', read, (seen) => isDeepStrictEqual(seen.toSorted(), wanted))
    await holds(namespace, 'broken', { 1: 2, '2-never-ready': 1 })
  })
})

describe('a node that a client creates', () => {
  it('becomes Ready by itself, with room for pods', async () => {
    await join('alone', 0)
    const ready = await eventually(
      'Ready',
      () => namespace.getNode(nodeOf('alone', 0)),
      ({ status, spec }) =>
        isReady({ status } as Parameters<typeof isReady>[0]) &&
        !JSON.stringify(spec.taints ?? []).includes('node.kubernetes.io/not-ready'),
    )
    expect(ready.status?.allocatable).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
  })
})
