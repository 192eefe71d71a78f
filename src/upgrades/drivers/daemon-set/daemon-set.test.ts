import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition } from '../../core/model.ts'
import { admittedIn, positionOf } from '../gate/position.ts'
import { carryOut, type Ended, goalFor, workload } from '../gate/testing.ts'
import { daemonSet } from './index.ts'
import { currentHash, nodeOf } from './lineage.ts'

const rolling = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }
const held = { ...rolling, type: 'OnDelete' }

function through(updateStrategy: JsonObject, ...positions: readonly GatePosition[]): Ended {
  const start: Ended = { live: workload('DaemonSet', { updateStrategy }), row: null, steps: [] }
  return positions.reduce(
    (ended, position) => carryOut(daemonSet, ended.live, ended.row, goalFor(position, { take: ['a', 'b'] })),
    start,
  )
}

const closed = { kind: 'closed' } as const
const admitting = { kind: 'admitting', upTo: 2, surge: 0 } as const
const none = { kind: 'none' } as const

describe('a position', () => {
  test.each([
    [closed],
    [admitting],
    [{ kind: 'halted' }],
    [{ kind: 'reverting', unavailable: 1, surge: 0 }],
    [{ kind: 'frozen' }],
  ] as const)('holds all pods: %o', (position) => {
    const { live, row } = through(rolling, closed, position)
    expect(live.spec?.updateStrategy).toEqual(held)
    expect(positionOf(daemonSet, live, row, 'one')).toEqual(position)
  })

  test.each([[rolling], [{ type: 'OnDelete' }]])('none puts back %o', (strategy) => {
    const { live, row } = through(strategy, closed, admitting, none)
    expect(live.spec?.updateStrategy).toEqual(strategy)
    expect(positionOf(daemonSet, live, row, 'one')).toEqual(none)
  })

  test('is less than was written while pods that were to go are still there', () => {
    const { row } = through(rolling, closed, admitting)
    expect(admittedIn(daemonSet, admitting, row, new Set(['b', 'c']))).toEqual({ ...admitting, upTo: 1 })
    expect(admittedIn(daemonSet, admitting, row, new Set(['c']))).toEqual(admitting)
  })

  test('is none where somebody has taken the hold away', () => {
    const shut = through(rolling, closed)
    expect(positionOf(daemonSet, { ...shut.live, spec: { updateStrategy: rolling } }, shut.row, 'one')).toEqual(none)
  })

  test('is not none where helm, gone back, has taken the hold away: what is ours is still on it', () => {
    const halted = through(rolling, closed, admitting, { kind: 'halted' })
    const back = { ...halted.live, spec: { updateStrategy: rolling }, status: { desiredNumberScheduled: 3 } }
    expect(positionOf(daemonSet, back, halted.row, 'one')).toEqual({ ...admitting, upTo: 3 })
    const { live, row } = carryOut(daemonSet, back, halted.row, goalFor(none))
    expect(live.metadata.annotations).toEqual({})
    expect(positionOf(daemonSet, live, row, 'one')).toEqual(none)
  })
})

describe('the hash of the present template', () => {
  const { live } = through(rolling)
  const revision = (hash: string, number: number, owner = 'uid-1') => ({
    metadata: { name: `app-${hash}`, ownerReferences: [{ kind: 'DaemonSet', name: 'app', uid: owner }] },
    revision: number,
  })
  const seen = { ...live, status: { observedGeneration: 1 } }

  test('is that of its newest revision', () => {
    expect(currentHash(seen, [revision('a', 1), revision('b', 3), revision('c', 9, 'other')])).toBe('b')
    expect(currentHash({ ...seen, status: { observedGeneration: 0 } }, [revision('a', 1)])).toBeNull()
  })
})

test('a pod belongs to its node, also before it is scheduled', () => {
  expect(nodeOf({ spec: { nodeName: 'one' } })).toBe('one')
  const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['two'] }] }]
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
  expect(nodeOf({ spec: { affinity: { nodeAffinity } } })).toBe('two')
  expect(nodeOf({ spec: {} })).toBeNull()
})
