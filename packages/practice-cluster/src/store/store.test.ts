import { beforeEach, describe, expect, it } from 'vitest'
import { types } from '../resources/table.ts'
import { openStore } from './store.ts'
import type { Change, KubeInput, Store } from './types.ts'

let store: Store
const seen: Change[] = []

beforeEach(() => {
  seen.length = 0
  store = openStore()
  store.create(types.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
  store.subscribe((change) => seen.push(change))
})

const deployment = (replicas: number, more: KubeInput['metadata'] = {}): KubeInput => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', ...more },
  spec: { replicas },
})

describe('store', () => {
  it('gives a new object its identity and one rising version', () => {
    const created = store.create(types.deployments, deployment(1))
    expect(created.metadata).toMatchObject({ name: 'web', namespace: 'shop', generation: 1 })
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(Number(created.metadata.resourceVersion)).toBe(store.version)
    expect(seen.map(({ verb, version }) => [verb, version])).toEqual([['ADDED', store.version]])
  })

  it('counts generations for changes of the specification only', () => {
    store.create(types.deployments, deployment(1))
    const labelled = store.update(types.deployments, deployment(1, { labels: { a: 'b' } }))
    const scaled = store.update(types.deployments, deployment(2))
    const observed = store.updateStatus(types.deployments, { ...scaled, status: { replicas: 2 } })
    expect([labelled, scaled, observed].map((each) => each.metadata.generation)).toEqual([1, 2, 2])
    expect(store.update(types.deployments, deployment(3)).status).toEqual({ replicas: 2 })
  })

  it('stores nothing when nothing changes', () => {
    const created = store.create(types.deployments, deployment(1))
    expect(store.update(types.deployments, deployment(1))).toBe(created)
    expect(seen).toHaveLength(1)
  })

  it('refuses a stale resourceVersion, another uid, a second create and a missing namespace', () => {
    const first = store.create(types.deployments, deployment(1))
    store.update(types.deployments, deployment(2))
    const stale = deployment(3, { resourceVersion: first.metadata.resourceVersion })
    expect(() => store.update(types.deployments, stale)).toThrow(/the object has been modified/)
    const other = { preconditions: { uid: 'other' } }
    expect(() => store.delete(types.deployments, 'shop', 'web', other)).toThrow(/UID in precondition: other/)
    expect(() => store.create(types.deployments, deployment(1))).toThrow('deployments.apps "web" already exists')
    const lost = deployment(1, { namespace: 'lost' })
    expect(() => store.create(types.deployments, lost)).toThrow('namespaces "lost" not found')
  })

  it('keeps a deleted object until its last finalizer is gone', () => {
    const held = store.create(types.deployments, deployment(1, { finalizers: ['example.com/hold'] }))
    expect(store.delete(types.deployments, 'shop', 'web').removed).toBe(false)
    expect(store.get(types.deployments, 'shop', 'web')?.metadata.deletionTimestamp).toBeDefined()
    store.update(types.deployments, { ...held, metadata: { name: 'web', namespace: 'shop' } })
    expect(store.get(types.deployments, 'shop', 'web')).toBeUndefined()
    expect(seen.map((change) => change.verb)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })

  it('lets a pod on a node stop, and removes it at once with a grace period of 0', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec: { nodeName: 'n' } }
    store.create(types.pods, pod)
    expect(store.delete(types.pods, 'shop', 'p').object.metadata.deletionGracePeriodSeconds).toBe(30)
    expect(store.delete(types.pods, 'shop', 'p', { gracePeriodSeconds: 0 }).removed).toBe(true)
  })

  it('delivers changes in order, also those that a listener makes', () => {
    store.subscribe(({ verb, object }) => {
      if (verb === 'ADDED') store.updateStatus(types.deployments, { ...object, status: { ready: true } })
    })
    const late: string[] = []
    store.subscribe(({ verb }) => late.push(verb))
    store.create(types.deployments, deployment(1))
    expect(late).toEqual(['ADDED', 'MODIFIED'])
  })

  it('answers a dry run and changes nothing', () => {
    const before = store.version
    expect(store.create(types.deployments, deployment(1), { dryRun: true }).metadata.uid).toBeDefined()
    expect(store.version).toBe(before)
    expect(store.list(types.deployments)).toEqual([])
  })
})
