import { expect, test } from 'vitest'
import { gateKinds } from './fleet/context.ts'
import type { FleetPod } from './fleet/members.ts'
import { countVersions, placesTaken } from './frozen-count.ts'

const row = {
  kind: 'StatefulSet',
  state: { hashes: { '1.0.0': 'old', '1.1.0': 'new', '1.2.0': 'old' } },
} as unknown as Parameters<typeof countVersions>[2]

const pod = (hash: string, leaving = false): FleetPod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `app-${hash}`,
    namespace: 'ns',
    labels: { 'controller-revision-hash': hash },
    ...(leaving ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
})

test('pods are counted by version; what the record names stays named, and what helm applied last', () => {
  const known = { '1.0.0': 2 }
  expect(countVersions([pod('old'), pod('old'), pod('old')], 'new', row, known)).toEqual({ '1.0.0': 3, '1.1.0': 0 })
  expect(countVersions([pod('new')], 'new', row, known)).toEqual({ '1.0.0': 0, '1.1.0': 1 })
  expect(countVersions([], null, row, known)).toEqual({ '1.0.0': 0 })
})

test('of versions with one template the one that the record names is told; a pod of none is unknown while it is there', () => {
  expect(countVersions([pod('old')], null, row, { '1.2.0': 1 })).toEqual({ '1.2.0': 1 })
  expect(countVersions([pod('old'), pod('hand')], null, row, { '1.0.0': 1 })).toEqual({ '1.0.0': 1, unknown: 1 })
  expect(countVersions([pod('old')], null, row, { '1.0.0': 1, unknown: 1 })).toEqual({ '1.0.0': 1 })
})

test('a template that nobody has noted is that of the only version that the record names without a hash', () => {
  const pods = [pod('old'), pod('late')]
  expect(countVersions(pods, 'late', row, { '1.0.0': 2, '1.3.0': 0 })).toEqual({ '1.0.0': 1, '1.3.0': 1 })
  const unknown = { '1.0.0': 1, unknown: 1 }
  expect(countVersions(pods, 'late', row, { '1.0.0': 2 })).toEqual(unknown)
  expect(countVersions(pods, null, row, { '1.0.0': 2, '1.3.0': 0 })).toEqual({ ...unknown, '1.3.0': 0 })
  const two = { '1.3.0': 0, '1.4.0': 0 }
  expect(countVersions(pods, 'late', row, { '1.0.0': 2, ...two })).toEqual({ ...unknown, ...two })
})

test('a pod on its way out counts until another has its place, and not where the fleet was made smaller', () => {
  const pods = [pod('old'), pod('new', true)]
  const taken = (wanted: number) => placesTaken(gateKinds.StatefulSet, pods, wanted).length
  expect([taken(1), taken(2), taken(3)]).toEqual([1, 2, 2])
})
