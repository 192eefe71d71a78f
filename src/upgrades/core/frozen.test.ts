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
    return status === undefined ? one : { ...one, status, pod: null, side: null }
  }),
})

test('every pod counts by its version, ready or not, on either side or on none', () => {
  const members = [
    ...[member('previous'), member('previous', { ready: false }), member('target', { ready: false })],
    ...[member('other', { version: '0.9.0' }), member('other'), member('target', { terminating: true })],
  ]
  expect(versionsIn(execution, { members })).toEqual({ '1.0.0': 2, '1.1.0': 1, '0.9.0': 1, unknown: 1 })
})

test('a place that is empty just then gets a pod of the version that it was let go for, or kept', () => {
  const moved = places('UPGRADING', 'PENDING')
  expect(versionsIn(moved, { members: [member('previous')] })).toEqual({ '1.1.0': 1, '1.0.0': 2 })
  expect(versionsIn({ ...moved, status: 'ROLLING_BACK' }, { members: [] })).toEqual({ '1.0.0': 2 })
})
