import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import { demandOf } from './readers/demand.ts'
import { quantity } from './readers/quantity.ts'
import { roomOf } from './room.ts'

const pod = (requests: JsonObject, more: JsonObject = {}): JsonObject => ({
  containers: [{ name: 'main', resources: { requests } }],
  ...more,
})
const node = (
  name: string,
  allocatable: JsonObject,
  more: { spec?: JsonObject; labels?: Record<string, string> } = {},
) => ({
  metadata: { name, labels: more.labels ?? {} },
  spec: more.spec ?? {},
  status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
})
const placed = (name: string, on: string, requests: JsonObject, phase = 'Running') => ({
  metadata: { name },
  spec: { ...pod(requests), nodeName: on },
  status: { phase },
})
const quota = (name: string, hard: JsonObject, used: JsonObject) => ({ metadata: { name }, status: { hard, used } })

describe('a quantity', () => {
  test.each([
    ['100m', 0.1],
    ['2', 2],
    [3, 3],
    ['0.5', 0.5],
    ['128Mi', 128 * 2 ** 20],
    ['1e3', 1000],
    ['5G', 5e9],
    ['.5', 0.5],
    ['much', null],
    ['', null],
    [null, null],
    ['1Zi', null],
  ])('%s is %s', (text, wanted) => expect(quantity(text)).toBe(wanted))

  test('never throws', () => {
    fc.assert(fc.property(fc.anything(), (value) => quantity(value) === null || Number.isFinite(quantity(value))))
  })
})

test('a pod asks for the sum of its containers, or for what an init container needs', () => {
  const spec = {
    containers: [
      { name: 'a', resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } },
      { name: 'b', resources: { requests: { cpu: '500m' } } },
    ],
    initContainers: [
      { name: 'init', resources: { requests: { cpu: '3' } } },
      { name: 'sidecar', restartPolicy: 'Always', resources: { requests: { cpu: '250m' } } },
    ],
    overhead: { cpu: '250m' },
  }
  expect(demandOf(spec).requests).toEqual({ cpu: 3.25, memory: 2 ** 30 })
})

describe('the room', () => {
  test('is the tightest resource of the tightest quota', () => {
    const quotas = [
      quota('pods', { pods: '10' }, { pods: '4' }),
      quota('cpu', { 'requests.cpu': '2', 'limits.memory': '1Gi' }, { 'requests.cpu': '1100m' }),
    ]
    expect(roomOf(quotas, null, pod({ cpu: '300m' }))).toEqual({
      pods: 3,
      evidence: {
        nodes: null,
        quotas: [
          { quota: 'pods', resource: 'pods', left: 6, pods: 6 },
          { quota: 'cpu', resource: 'requests.cpu', left: expect.closeTo(0.9), pods: 3 },
        ],
      },
    })
  })

  test('is what the nodes can take, less what their pods ask for', () => {
    const nodes = [
      node('one', { cpu: '4', memory: '8Gi', pods: '110' }),
      node('full', { cpu: '4', memory: '8Gi', pods: '1' }),
      node('cordoned', { cpu: '64', memory: '64Gi' }, { spec: { unschedulable: true } }),
      node('tainted', { cpu: '64', memory: '64Gi' }, { spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } }),
    ]
    const pods = [
      placed('a', 'one', { cpu: '1', memory: '1Gi' }),
      placed('done', 'one', { cpu: '3' }, 'Succeeded'),
      placed('b', 'full', { cpu: '1' }),
    ]
    const wanted = pod({ cpu: '1', memory: '2Gi' })
    expect(roomOf([], { nodes, pods }, wanted)).toMatchObject({ pods: 3, evidence: { nodes: { usable: 2, pods: 3 } } })
    const tolerant = { ...wanted, tolerations: [{ key: 'gpu', operator: 'Exists' }] }
    expect(roomOf([], { nodes, pods }, tolerant).pods).toBe(3 + 32)
    expect(roomOf([], { nodes, pods }, { ...wanted, nodeSelector: { zone: 'a' } }).pods).toBe(0)
  })

  test('is never negative and never more than is ever asked for', () => {
    const nodes = [node('one', { cpu: '1' })]
    expect(roomOf([], { nodes, pods: [placed('a', 'one', { cpu: '9' })] }, pod({ cpu: '1' })).pods).toBe(0)
    expect(roomOf([quota('over', { pods: '1' }, { pods: '5' })], null, pod({})).pods).toBe(0)
    expect(roomOf([], null, pod({})).pods).toBe(10_000)
  })
})
