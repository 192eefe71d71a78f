import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from './support/cluster.ts'
import { eventually, TestNamespace } from './support/namespace.ts'

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
