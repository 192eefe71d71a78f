import { describe, expect, test } from 'vitest'
import type { Pod, StatefulSet } from './readiness/workload-types.ts'
import { stuckPods } from './stuckpods.ts'

type Spec = NonNullable<StatefulSet['spec']>
const setOf = (spec: Spec = {}, status: StatefulSet['status'] = {}): StatefulSet => ({
  metadata: { name: 'store', uid: 'set', generation: 3 },
  spec: { replicas: 3, ...spec },
  status: { observedGeneration: 3, currentRevision: 'old', updateRevision: 'old', ...status },
})
const podOf = (
  ordinal: number,
  hash: string,
  more: { ready?: boolean; owner?: string; deleting?: boolean } = {},
): Pod => ({
  metadata: {
    name: `store-${ordinal}`,
    uid: `pod-${ordinal}`,
    labels: { 'controller-revision-hash': hash },
    ownerReferences: [{ kind: 'StatefulSet', name: 'store', uid: more.owner ?? 'set', controller: true }],
    ...(more.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  status: { conditions: [{ type: 'Ready', status: more.ready ? 'True' : 'False' }] },
})
const names = (set: StatefulSet, ...pods: readonly Pod[]) => stuckPods(set, pods).map(({ name }) => name)

describe('stuck pods', () => {
  test('are those of an abandoned revision that are not ready, highest first, with their UIDs', () => {
    const found = stuckPods(setOf(), [podOf(1, 'bad'), podOf(2, 'bad'), podOf(0, 'old')])
    expect(found).toEqual([
      { name: 'store-2', uid: 'pod-2' },
      { name: 'store-1', uid: 'pod-1' },
    ])
  })

  test('are not those that are ready, going, on the wanted revision, or of another owner', () => {
    const pods = [podOf(0, 'bad', { ready: true }), podOf(1, 'bad', { deleting: true }), podOf(2, 'old')]
    expect(names(setOf(), ...pods, podOf(3, 'bad', { owner: 'another' }))).toEqual([])
  })

  test('are not looked for where the controller or the operator replaces pods', () => {
    expect(names(setOf({ podManagementPolicy: 'Parallel' }), podOf(0, 'bad'))).toEqual([])
    expect(names(setOf({ updateStrategy: { type: 'OnDelete' } }), podOf(0, 'bad'))).toEqual([])
  })

  test('are not decided before the controller has seen the newest spec', () => {
    expect(names(setOf({}, { observedGeneration: 2 }), podOf(0, 'bad'))).toEqual([])
  })

  test('below the partition the current revision is wanted too', () => {
    const set = setOf({ updateStrategy: { rollingUpdate: { partition: 2 } } }, { updateRevision: 'new' })
    expect(names(set, podOf(0, 'old'), podOf(1, 'bad'), podOf(2, 'old'))).toEqual(['store-2', 'store-1'])
  })
})
