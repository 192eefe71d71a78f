import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition, Member } from '../../core/model.ts'
import { positionOf } from '../gate/position.ts'
import { carryOut, type Ended, goalFor, workload } from '../gate/testing.ts'
import { statefulSet } from './index.ts'
import { lineageOf } from './lineage.ts'

const rolling = (partition: number, more: JsonObject = {}): JsonObject => ({
  type: 'RollingUpdate',
  rollingUpdate: { ...more, partition },
})
const CLOSED = 2_147_483_647
const specOf = (updateStrategy: JsonObject, replicas = 5): JsonObject => ({ replicas, updateStrategy })

function through(updateStrategy: JsonObject, ...positions: readonly GatePosition[]): Ended {
  const start: Ended = { live: workload('StatefulSet', specOf(updateStrategy)), row: null, steps: [] }
  return positions.reduce((ended, position) => carryOut(statefulSet, ended.live, ended.row, goalFor(position)), start)
}

const closed = { kind: 'closed' } as const
const admitting = (upTo: number) => ({ kind: 'admitting', upTo, surge: 0 }) as const
const halted = { kind: 'halted' } as const
const reverting = { kind: 'reverting', unavailable: 1, surge: 0 } as const
const none = { kind: 'none' } as const
const frozen = { kind: 'frozen' } as const

describe('what a position makes of the partition', () => {
  test.each([
    ['closed', [closed], CLOSED],
    ['none yet', [closed, admitting(0)], CLOSED],
    ['the highest two of five', [closed, admitting(2)], 3],
    ['all', [closed, admitting(5)], 0],
    ['more than there are', [closed, admitting(9)], 0],
    ['halted', [closed, admitting(2), halted], CLOSED],
    ['frozen: each comes back in its own version', [closed, admitting(2), frozen], 3],
    ['none', [closed, admitting(5), none], 0],
  ] as const)('%s', (_, positions, partition) => {
    const { live, row } = through(rolling(0), ...positions)
    expect(live.spec?.updateStrategy).toEqual(rolling(partition))
    expect(positionOf(statefulSet, live, row, 'one')).toEqual(positions.at(-1))
  })
})

test('going back its controller takes no pod away by itself, also where that is stopped', () => {
  for (const positions of [[reverting], [reverting, frozen]]) {
    const { live, row } = through(rolling(0), closed, admitting(2), halted, ...positions)
    expect(live.spec?.updateStrategy).toEqual({ type: 'OnDelete' })
    expect(positionOf(statefulSet, live, row, 'one')).toEqual(positions.at(-1))
  }
})

test('a chart whose controller deletes no pod meets its own strategy whenever helm may run', () => {
  const strategy = { type: 'OnDelete' }
  const fields = (...positions: readonly GatePosition[]) => through(strategy, ...positions).live.spec?.updateStrategy
  expect(fields(closed)).toEqual(strategy)
  expect(fields(closed, admitting(5))).toEqual(rolling(0))
  expect(fields(closed, admitting(5), halted)).toEqual(strategy)
  expect(fields(closed, admitting(5), halted, reverting)).toEqual(strategy)
  expect(fields(closed, admitting(2), frozen)).toEqual(rolling(3))
  // Stopped on the way back: once all had come to the target, a partition would bring them back in it.
  expect(fields(closed, admitting(5), halted, reverting, frozen)).toEqual(strategy)
  expect(fields(closed, admitting(5), halted, reverting, frozen, closed, frozen)).toEqual(rolling(CLOSED))
})

describe('frozen from halted, each pod comes back in its own version as far as Kubernetes can', () => {
  /** Two of five have moved, then helm is to go back; `template` is of what it has applied when it is frozen. */
  const stopped = (updateStrategy: JsonObject, template: string | null, ...more: readonly GatePosition[]): Ended => {
    const start: Ended = { live: workload('StatefulSet', specOf(updateStrategy)), row: null, steps: [] }
    const shut = carryOut(statefulSet, start.live, start.row, goalFor(closed))
    const moved = carryOut(statefulSet, shut.live, shut.row, goalFor(admitting(2), { current: 'new' }))
    const back = carryOut(statefulSet, moved.live, moved.row, goalFor(halted, { current: 'new' }))
    return [frozen, ...more].reduce(
      (ended, position) =>
        carryOut(statefulSet, ended.live, ended.row, goalFor(position, { current: template, movedFrom: 3 })),
      back,
    )
  }
  const limited = rolling(0, { maxUnavailable: 2 })

  test.each([
    ['the default', { type: 'RollingUpdate' }, rolling(3)],
    ['a limit of the chart', limited, rolling(3, { maxUnavailable: 2 })],
    ['OnDelete', { type: 'OnDelete' }, rolling(3)],
  ])('where helm has not gone back, as the gate was: %s', (_, strategy, wanted) => {
    const { live, row } = stopped(strategy, 'new')
    expect(live.spec?.updateStrategy).toEqual(wanted)
    expect(positionOf(statefulSet, live, row, 'one')).toEqual(frozen)
  })

  test('once it has, or that is not known, nobody moves', () => {
    for (const template of ['old', null])
      for (const strategy of [rolling(0), { type: 'OnDelete' }])
        expect(stopped(strategy, template).live.spec?.updateStrategy).toEqual(rolling(CLOSED))
  })

  test("the chart's own strategy comes back", () => {
    for (const strategy of [limited, { type: 'OnDelete' }]) {
      expect(stopped(strategy, 'new', none).live.spec?.updateStrategy).toEqual(strategy)
      expect(stopped(strategy, 'new', halted, none).live.spec?.updateStrategy).toEqual(strategy)
    }
  })
})

describe('originals', () => {
  test.each([
    ['the default', { type: 'RollingUpdate' }],
    ['a partition of the chart', rolling(2)],
    ['a limit beside the partition', rolling(0, { maxUnavailable: 2 })],
    ['OnDelete', { type: 'OnDelete' }],
  ])('are put back: %s', (_, strategy) => {
    expect(through(strategy, closed, admitting(5), none).live.spec?.updateStrategy).toEqual(strategy)
    expect(through(strategy, closed, admitting(2), halted, reverting, none).live.spec?.updateStrategy).toEqual(strategy)
  })

  test('are put back from where it was stopped on the way back', () => {
    const strategy = rolling(0, { maxUnavailable: 2 })
    const ended = through(strategy, closed, admitting(2), halted, reverting, frozen, none)
    expect(ended.live.spec?.updateStrategy).toEqual(strategy)
    const taken = through(strategy, closed, admitting(2), halted, reverting, frozen, closed)
    expect(taken.live.spec?.updateStrategy).toEqual(rolling(CLOSED, { maxUnavailable: 2 }))
  })

  test('leave what helm renders beside the partition as it is', () => {
    const shut = through(rolling(0), closed)
    const live = { ...shut.live, spec: specOf(rolling(CLOSED, { maxUnavailable: 3 })) }
    const open = carryOut(statefulSet, live, shut.row, goalFor(admitting(5)))
    const end = carryOut(statefulSet, open.live, open.row, goalFor(none))
    expect(end.live.spec?.updateStrategy).toEqual(rolling(0, { maxUnavailable: 3 }))
  })
})

test('what an execution takes over and gives back before helm ran keeps the partition of each version', () => {
  const left = through(rolling(0), closed, admitting(2), { kind: 'frozen' })
  const second = { executionId: 'two', deployed: false, current: 'new' }
  const shut = carryOut(statefulSet, left.live, left.row, goalFor(closed, second))
  const end = carryOut(statefulSet, shut.live, shut.row, goalFor({ kind: 'frozen' }, second))
  expect(end.row).toMatchObject({ executionId: 'one', state: { position: { kind: 'frozen' } } })
  expect(end.live.spec).toEqual(left.live.spec)
  expect(positionOf(statefulSet, end.live, end.row, 'one')).toEqual({ kind: 'frozen' })
})

describe('what is really there', () => {
  test('after scaling, another number of pods may move', () => {
    const open = through(rolling(0), closed, admitting(2))
    const live = { ...open.live, spec: { ...open.live.spec, replicas: 7 } }
    expect(positionOf(statefulSet, live, open.row, 'one')).toEqual(admitting(4))
  })

  test('after somebody has put the partition back, nothing holds', () => {
    const shut = through(rolling(0), closed)
    expect(positionOf(statefulSet, { ...shut.live, spec: specOf(rolling(0)) }, shut.row, 'one')).toEqual(none)
  })
})

test('the revision of the present template is known once the controller has seen it', () => {
  const { live } = through(rolling(0))
  const status = (observedGeneration: number) => ({ observedGeneration, updateRevision: 'app-5f' })
  expect(lineageOf({ ...live, status: status(1) }).current).toBe('app-5f')
  expect(lineageOf({ ...live, status: status(0) }).current).toBeNull()
})

test.each([
  [['new', 'new', 'new'], 0],
  [['old', 'new', 'new'], 1],
  [['new', 'old', 'new'], 2],
  [['old', null, 'new'], 2],
  [['old', 'new', null], 1],
  [['new', null, 'new'], 0],
  [['old', null, null], null],
  [['old', 'old', 'old'], null],
] as const)('a partition that moves nobody of %j is at %s', (hashes, from) => {
  for (const start of [0, 9]) {
    const set = workload('StatefulSet', { ...specOf(rolling(0), 3), ordinals: { start } })
    const pods = hashes.flatMap((hash, at) => {
      const labels = { 'controller-revision-hash': hash ?? '' }
      return hash === null ? [] : { metadata: { name: `app-${start + at}`, labels } }
    })
    expect(statefulSet.movedFrom(set, pods, 'new')).toBe(from)
  }
})

describe('the places of a set are its wanted ordinals', () => {
  const member = (key: string, ready: boolean): Member => {
    const name = `app-${key}`
    return { pod: { name, uid: name }, key, side: 'previous', ready, terminating: false, problem: null }
  }
  const set = (more: JsonObject) => workload('StatefulSet', { ...specOf(rolling(0), 3), ...more })
  const told = (more: JsonObject, ...members: readonly Member[]) =>
    statefulSet.places(set(more), members)?.map(({ key, after }) => (after === null ? key : `${key} after ${after}`))

  test('whether or not they have a pod', () => {
    expect(statefulSet.places(set({}), [])).toContainEqual({ key: '2', name: 'app-2', after: 'app-0' })
    expect(told({}, member('0', true), member('1', true), member('2', true))).toEqual(['0', '1', '2'])
    expect(told({ replicas: 0 }, member('0', true))).toEqual([])
    expect(statefulSet.places(set({ replicas: 2_147_483_647 }), [])).toBeNull()
  })

  test('one after another, unless they are managed in parallel', () => {
    expect(told({}, member('0', true), member('1', false))).toEqual(['0', '1', '2 after app-1'])
    expect(told({ podManagementPolicy: 'Parallel' }, member('0', false))).toEqual(['0', '1', '2'])
  })

  test('from where they start', () => {
    expect(told({ ordinals: { start: 9 } }, member('9', true))).toEqual(['9', '10', '11 after app-10'])
  })

  test.each([
    ['app-1', {}, 2, false],
    ['app-2', {}, 2, true],
    ['app-10', { ordinals: { start: 9 } }, 2, false],
    ['app-11', { ordinals: { start: 9 } }, 2, true],
    ['app-0', {}, 0, true],
  ])('%s of %j at partition %i goes: %s', (name, more, partition, goes) => {
    const live = set({ updateStrategy: rolling(partition), ...more })
    expect(statefulSet.letsGo(live, { ...live, metadata: { ...live.metadata, name } })).toBe(goes)
  })
})
