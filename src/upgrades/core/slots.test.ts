import { expect, test } from 'vitest'
import type { Instance, Member } from './model.ts'
import { bind, type Fleet, membersOf, newInstance } from './slots.ts'

const id = '9b2f5f0e-1111-4222-8333-444455556666'

function member(name: string, side: Member['side'], ready = true): Member {
  return { pod: { name, uid: name }, key: null, side, ready, terminating: false, problem: null }
}

function fleetOf(members: readonly Member[]): Fleet {
  return {
    ...{
      kind: 'present',
      wanted: 2,
      places: null,
      members,
      gate: { kind: 'admitting', upTo: 1, surge: 0 },
      pin: null,
      template: null,
    },
    ...{
      probes: {},
      refusals: {},
      others: { settled: true, blockers: [], uniform: true },
      whyNoPods: null,
    },
  }
}

function bound(instances: readonly Instance[], members: readonly Member[]) {
  const fleet = fleetOf(members)
  return bind({ id, status: 'CANARY_RUNNING', instances }, fleet, membersOf(fleet), 1_000)
}

/** A controller takes broken pods first, whichever were chosen. */
test('a place whose pod was taken gets the old one of a place that has passed and should have lost its own', () => {
  const [chosen, broken] = [member('chosen', 'other'), member('broken', 'previous', false)]
  const passed: Instance = {
    ...newInstance(id, 0, chosen, 'TARGET'),
    ...{ status: 'COMPLETED', nextPod: { name: 'new', uid: 'new' } },
  }
  const waiting = newInstance(id, 1, broken, 'TARGET')
  const [first, second] = bound([passed, waiting], [chosen, member('new', 'target')])
  expect(first).toMatchObject({ status: 'COMPLETED', pod: { name: 'new' }, nextPod: null, side: 'target' })
  expect(second).toMatchObject({ status: 'PENDING', pod: { name: 'chosen' }, side: 'other', ready: true })
})

/** A paused Deployment that is scaled down gives up old pods as it likes; the gate counts on the one beside what has not passed. */
test('a place whose new pod has not passed beside its old one gets that of a place that has', () => {
  const [old, gone] = [member('old', 'previous'), member('gone', 'previous')]
  const beside = (index: number, pod: Member, next: string, more: Partial<Instance>): Instance => ({
    ...newInstance(id, index, pod, 'TARGET'),
    ...{ nextPod: { name: next, uid: next }, ...more },
  })
  const passed = beside(0, old, 'new', { status: 'COMPLETED' })
  const failed = beside(1, gone, 'bad', { status: 'FAILED', surge: true })
  const [first, second] = bound([passed, failed], [old, member('new', 'target'), member('bad', 'target', false)])
  expect(first).toMatchObject({ pod: { name: 'new' }, nextPod: null, side: 'target' })
  expect(second).toMatchObject({ status: 'FAILED', pod: { name: 'old' }, nextPod: { name: 'bad' } })
})

test('nothing is traded while the new pod stands beside an old one that is not let go yet', () => {
  const [old, gone] = [member('old', 'previous'), member('gone', 'previous')]
  const surging: Instance = {
    ...newInstance(id, 0, old, 'TARGET'),
    ...{ status: 'COMPLETED', surge: true, nextPod: { name: 'new', uid: 'new' } },
  }
  const [first, second] = bound([surging, newInstance(id, 1, gone, 'TARGET')], [old, member('new', 'target')])
  expect(first).toMatchObject({ pod: { name: 'old' }, nextPod: { name: 'new' } })
  expect(second).toMatchObject({ status: 'PENDING', pod: null })
})

/** Nobody let it go: a failed upgrade, or a write that came late, has made the new pod beside the old one. */
test('a place that waits for its turn keeps its old pod beside a new one that the cluster has made', () => {
  const surged = newInstance(id, 0, member('new', 'target'), 'TARGET')
  const other = newInstance(id, 1, member('second', 'previous'), 'TARGET')
  const members = [member('new', 'target'), member('second', 'previous'), member('first', 'previous')]
  const [first, second] = bound([surged, other], members)
  expect(first).toMatchObject({ status: 'PENDING', side: 'previous', pod: { name: 'first' }, nextPod: { name: 'new' } })
  expect(second).toMatchObject({ pod: { name: 'second' }, nextPod: null })
})

test('a place that was let go gets no old pod again', () => {
  const gone: Instance = { ...newInstance(id, 0, member('new', 'target'), 'TARGET'), status: 'UPGRADING' }
  const other = newInstance(id, 1, member('second', 'previous'), 'TARGET')
  const members = [member('new', 'target'), member('second', 'previous'), member('first', 'previous')]
  expect(bound([gone, other], members)[0]).toMatchObject({ pod: { name: 'new' }, nextPod: null })
})
