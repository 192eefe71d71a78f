import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from './support/cluster.ts'
import { eventually, TestNamespace } from './support/namespace.ts'
import { daemonSet, isReady, livePods, template, versionOf } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

type Condition = { readonly type: string; readonly status: string }
const has = ({ status }: Stored, type: string): boolean =>
  ((status?.conditions ?? []) as readonly Condition[]).some((each) => each.type === type && each.status === 'True')

function job(name: string, spec: Readonly<Record<string, unknown>> = {}): object {
  const containers = [{ name: 'main', image: 'registry.invalid/tool:1' }]
  const template = { metadata: { labels: { app: name } }, spec: { restartPolicy: 'Never', containers } }
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template, ...spec } }
}

describe('a Job', () => {
  it('completes when enough of its pods have succeeded', async () => {
    await namespace.create('jobs', job('three', { completions: 3, parallelism: 2 }))
    const done = await eventually(
      'complete',
      () => namespace.get('jobs', 'three'),
      (seen) => has(seen, 'Complete'),
    )
    expect(done.status).toMatchObject({ succeeded: 3 })
    expect([has(done, 'SuccessCriteriaMet'), has(done, 'Failed')]).toEqual([true, false])
  })

  it('makes no pods while it is suspended', async () => {
    await namespace.create('jobs', job('held', { suspend: true }))
    await eventually(
      'suspended',
      () => namespace.get('jobs', 'held'),
      (seen) => has(seen, 'Suspended'),
    )
    expect(await namespace.list('pods', 'app=held')).toEqual([])
    await namespace.patch('jobs', 'held', { spec: { suspend: false } })
    await eventually(
      'complete',
      () => namespace.get('jobs', 'held'),
      (seen) => has(seen, 'Complete'),
    )
  })
})

describe('a DaemonSet', () => {
  it('has a pod on each node, and with OnDelete replaces only what is deleted', async () => {
    await namespace.create('daemonsets', daemonSet('agent', { updateStrategy: { type: 'OnDelete' } }))
    const settled = await eventually(
      'all ready',
      () => namespace.get('daemonsets', 'agent'),
      ({ status }) =>
        Number(status?.desiredNumberScheduled) > 0 && status?.numberReady === status?.desiredNumberScheduled,
    )
    const nodes = Number(settled.status?.desiredNumberScheduled)
    await namespace.patch('daemonsets', 'agent', { spec: { template: template('agent', '2') } })
    const [pod] = await livePods(namespace, 'agent')
    await namespace.remove('pods', pod?.metadata.name ?? '')
    const read = async () => (await livePods(namespace, 'agent')).filter(isReady).map(versionOf).toSorted()
    const versions = await eventually('one new pod', read, (seen) => seen.length === nodes && seen.includes('2'))
    expect(versions.filter((version) => version === '2')).toHaveLength(1)
  })
})
