import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from './support/cluster.ts'
import { eventually, TestNamespace } from './support/namespace.ts'
import { isReady } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const POOL = 'contract.example/room'
const TOO_FULL = /^0\/\d+ nodes are available: .*1 Insufficient cpu/

/** A pod that only the node of this test takes. */
function pod(name: string, cpu: string): object {
  const containers = [{ name: 'main', image: 'registry.invalid/app:1', resources: { requests: { cpu } } }]
  const tolerations = [{ key: POOL, operator: 'Exists' }]
  const spec = { containers, nodeSelector: { [POOL]: namespace.name }, tolerations }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
}

const ready = (name: string) => eventually(`${name} is ready`, () => namespace.get('pods', name), isReady)

const scheduled = ({ status }: Stored) =>
  ((status?.conditions ?? []) as readonly { readonly type: string; readonly reason?: string }[]).find(
    ({ type }) => type === 'PodScheduled',
  )

describe('a node', () => {
  it('fills up by what pods ask for, and takes the next when one has gone', async () => {
    const room = { cpu: '2', memory: '4Gi', pods: '10' }
    const taints = [{ key: POOL, effect: 'NoSchedule' }]
    const status = { capacity: room, allocatable: room }
    await namespace.createNode(`${namespace.name}-small`, { [POOL]: namespace.name }, { taints }, status)
    await namespace.create('pods', pod('first', '1500m'))
    expect((await ready('first')).spec.nodeName).toBe(`${namespace.name}-small`)
    await namespace.create('pods', pod('second', '1'))
    const waiting = await eventually(
      'second does not fit',
      () => namespace.get('pods', 'second'),
      (seen) => scheduled(seen)?.reason === 'Unschedulable',
    )
    expect([waiting.status?.phase, waiting.spec.nodeName]).toEqual(['Pending', undefined])
    // The node counts from when it is Ready, so the first tries may have another reason.
    await eventually(
      'an event says why',
      () => namespace.list('events'),
      (all) => all.some(({ reason, message }) => reason === 'FailedScheduling' && TOO_FULL.test(String(message))),
    )
    await namespace.create('pods', pod('third', '500m'))
    await ready('third')
    await namespace.remove('pods', 'first')
    await ready('second')
  })
})
