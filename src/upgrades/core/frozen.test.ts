import { expect, test } from 'vitest'
import { versionsIn } from './frozen.ts'
import type { Execution, Member } from './model.ts'
import { Simulation } from './testing/simulation.ts'

const member = (side: Member['side'], more: Partial<Member> = {}): Member => ({
  ...{ pod: { name: 'p', uid: 'p' }, key: null, side, ready: true, terminating: false, problem: null },
  ...more,
})
const { execution } = new Simulation({ kind: 'ordered', size: 3 })
const places = (...statuses: readonly Execution['instances'][number]['status'][]): Execution => ({
  ...execution,
  instances: execution.instances.map((one, n) => {
    const status = statuses[n]
    const previousPods = one.pod === null ? [] : [one.pod]
    return status === undefined ? one : { ...one, status, pod: null, side: null, previousPods }
  }),
})

test('every pod counts by its version, ready or not, on either side or on none', () => {
  const members = [
    ...[member('previous'), member('previous', { ready: false }), member('target', { ready: false })],
    ...[member('other', { version: '0.9.0' }), member('other'), member('target', { terminating: true })],
  ]
  expect(versionsIn(execution, { members, template: 'target' })).toEqual({
    '1.0.0': 2,
    '1.1.0': 1,
    '0.9.0': 1,
    unknown: 1,
  })
})

test('a place that is empty just then gets a pod of the version that it was let go for, or kept', () => {
  const moved = places('UPGRADING', 'PENDING')
  expect(versionsIn(moved, { members: [member('previous')], template: 'target' })).toEqual({ '1.1.0': 1, '1.0.0': 2 })
  expect(versionsIn({ ...moved, status: 'ROLLING_BACK' }, { members: [], template: 'previous' })).toEqual({
    '1.0.0': 2,
  })
})

test('a place that never had a pod is not counted', () => {
  const { execution: building } = new Simulation({ kind: 'ordered', size: 3, present: 1, inTurn: true })
  expect(building.instances.map(({ pod }) => pod === null)).toEqual([false, false, true])
  const members = [member('previous'), member('previous')]
  expect(versionsIn(building, { members, template: 'target' })).toEqual({ '1.0.0': 2, '1.1.0': 0 })
})

test.each([
  ['IN_PROGRESS', 'target', { '1.0.0': 3, '1.1.0': 0 }],
  ['IN_PROGRESS', null, { '1.0.0': 3, '1.1.0': 0 }],
  ['ROLLING_BACK', null, { '1.0.0': 3 }],
  ['ROLLING_BACK', 'previous', { '1.0.0': 3 }],
] as const)(
  'the version that helm applied last is named also where no pod runs it yet: %s, %s',
  (status, template, expected) => {
    const members = Array.from({ length: 3 }, () => member('previous'))
    expect(versionsIn({ ...execution, status }, { members, template })).toEqual(expected)
  },
)
