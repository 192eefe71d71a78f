import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition } from '../../core/model.ts'
import type { GateRow } from '../../store/gate-row.ts'
import { renderedName } from '../gate/annotation.ts'
import { positionOf } from '../gate/position.ts'
import { carryOut, type Ended, goalFor, workload } from '../gate/testing.ts'
import { armingOf, isUncounted } from './arming.ts'
import { costChanges, costName, OUR_COST } from './cost.ts'
import { deployment } from './index.ts'
import { withRendered } from './rendered.ts'

const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }
const spec = { replicas: 4, progressDeadlineSeconds: 600, strategy }
const helms = { manager: 'helm', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:strategy': { 'f:type': {} } } } }
const start: Ended = { live: workload('Deployment', spec, [helms]), row: null, steps: [] }

const gated = (maxUnavailable: number, maxSurge: number) => ({
  minReadySeconds: 2_000_000_000,
  progressDeadlineSeconds: 2_147_483_647,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
})

/** Through positions, one after another. */
function through(...positions: readonly GatePosition[]): Ended {
  return positions.reduce((ended, position) => carryOut(deployment, ended.live, ended.row, goalFor(position)), start)
}

const closed = { kind: 'closed' } as const
const admitting = (upTo: number, surge = 0) => ({ kind: 'admitting', upTo, surge }) as const
const resting = (upTo: number, surge = 0) => ({ ...admitting(upTo, surge), rests: true }) as const
const halted = { kind: 'halted' } as const
const reverting = { kind: 'reverting', unavailable: 2, surge: 1 } as const
const none = { kind: 'none' } as const
const frozen = { kind: 'frozen' } as const

describe('what a position makes of the fields', () => {
  test.each([
    ['closed', [closed], { ...spec, paused: true }],
    ['K of them', [closed, admitting(2)], { ...spec, ...gated(2, 0) }],
    ['K beside a surge', [closed, admitting(0, 1)], { ...spec, ...gated(0, 1) }],
    ['nothing yet, but armed', [closed, admitting(0)], { ...spec, ...gated(0, 0), strategy, paused: true }],
    ['K that are there: shut', [closed, admitting(2), resting(2)], { ...spec, ...gated(2, 0), paused: true }],
    [
      'K and a surge that are there',
      [closed, admitting(2, 1), resting(2, 1)],
      { ...spec, ...gated(2, 1), paused: true },
    ],
    ['the next ones', [closed, admitting(2), resting(2), admitting(4)], { ...spec, ...gated(4, 0) }],
    ['none, from where it rested', [closed, admitting(4), resting(4), none], spec],
    ['halted: all stays', [closed, admitting(2, 1), halted], { ...spec, ...gated(2, 1), paused: true }],
    [
      'reverting: the strategy comes last',
      [closed, admitting(2), halted, reverting],
      {
        ...spec,
        strategy: gated(2, 1).strategy,
      },
    ],
    ['frozen', [closed, admitting(3), frozen], { ...spec, ...gated(3, 0), paused: true }],
    ['none', [closed, admitting(4), none], spec],
    ['none, after going back', [closed, admitting(2), halted, reverting, none], spec],
    ['none, when helm never ran', [closed, none], spec],
  ] as const)('%s', (_, positions, wanted) => {
    const { live, row, steps } = through(...positions)
    expect(live.spec).toEqual(wanted)
    expect(steps.at(-1)).toBe('done')
    expect(positionOf(deployment, live, row, 'one')).toEqual(positions.at(-1))
  })

  test('that is unpaused where it rests is open, and one that was to open and did not lets nobody move', () => {
    const rested = through(closed, admitting(2), resting(2))
    const unpaused = { ...rested.live, spec: { ...rested.live.spec, paused: false } }
    expect(positionOf(deployment, unpaused, rested.row, 'one')).toEqual(admitting(2))
    const [opened, shut] = [through(closed, admitting(2), resting(2), admitting(4)), rested]
    expect(positionOf(deployment, shut.live, opened.row, 'one')).toEqual(admitting(0))
    expect(positionOf(deployment, through(closed, admitting(2)).live, rested.row, 'one')).toEqual(admitting(2))
  })

  test('that reverts may always take or add one: the API refuses what could never move', () => {
    const { live } = through(closed, halted, { kind: 'reverting', unavailable: 0, surge: 0 })
    expect(live.spec).toMatchObject({ strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } })
  })

  test('that reverts and rests moves nobody, and goes on', () => {
    const resting = { kind: 'reverting', unavailable: 0, surge: 1, rests: true } as const
    const { live, row } = through(closed, halted, reverting, resting)
    expect(live.spec).toMatchObject({ paused: true, strategy: { rollingUpdate: { maxSurge: 1 } } })
    expect(positionOf(deployment, live, row, 'one')).toEqual(resting)
    const open = through(closed, halted, reverting, resting, reverting).live
    expect(open.spec).toEqual(through(closed, halted, reverting).live.spec)
  })

  test('where the chart replaces all at once, helm meets just that whenever it may run', () => {
    const recreate = { type: 'Recreate' }
    const owner = { ...helms, fieldsV1: { 'f:spec': { 'f:strategy': { 'f:type': {} } } } }
    const live = workload('Deployment', { ...spec, strategy: recreate }, [owner])
    const on = (ended: Ended, ...positions: readonly GatePosition[]) =>
      positions.reduce((at, position) => carryOut(deployment, at.live, at.row, goalFor(position)), ended)
    const half = on({ live, row: null, steps: [] }, closed, admitting(1))
    expect(half.live.spec).toMatchObject({ strategy: { type: 'RollingUpdate' } })
    const back = on(half, halted)
    expect(back.live.spec).toEqual({ ...spec, ...gated(1, 0), strategy: recreate, paused: true })
    expect(back.live.metadata.managedFields).toEqual([owner])
    expect(on(back, reverting, none).live.spec).toEqual({ ...spec, strategy: recreate })
    const left = on(half, frozen)
    const next = carryOut(deployment, left.live, left.row, goalFor(closed, { executionId: 'two', deployed: false }))
    expect(next.live.spec).toMatchObject({ strategy: recreate, paused: true })
    expect(next.live.spec?.strategy).toEqual(recreate)
    expect(next.live.metadata.managedFields).toEqual([owner])
  })

  test('first the row, then the patch, then what helm must not meet', () => {
    expect(through(closed).steps).toEqual(['record', 'patch', 'withdraw', 'done'])
    expect(through(closed, admitting(1)).steps).toEqual(['record', 'patch', 'done'])
    expect(through(closed, closed).steps).toEqual(['done'])
  })
})

describe('originals', () => {
  const rendered = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 0 } }

  test('are what helm has rendered meanwhile, and helm owns them again', () => {
    const shut = through(closed)
    const live = { ...shut.live, spec: { ...shut.live.spec, strategy: rendered, minReadySeconds: 5 } }
    const open = carryOut(deployment, live, shut.row, goalFor(admitting(4)))
    const end = carryOut(deployment, open.live, open.row, goalFor(none))
    expect(end.live.spec).toEqual({ ...spec, strategy: rendered, minReadySeconds: 5 })
    expect(end.live.metadata.managedFields).toEqual([helms])
  })

  test('are those of the previous version on the way back, unless helm renders them', () => {
    const shut = through(closed)
    const upgraded = { ...shut.live, spec: { ...shut.live.spec, minReadySeconds: 5 } }
    const open = carryOut(deployment, upgraded, shut.row, goalFor(admitting(2)))
    const back = carryOut(deployment, open.live, open.row, goalFor(halted))
    const going = carryOut(deployment, back.live, back.row, goalFor(reverting))
    expect(going.live.spec).not.toHaveProperty('minReadySeconds')
    expect(carryOut(deployment, going.live, going.row, goalFor(none)).live.spec).toEqual(spec)
  })

  test('are those of the version that helm has applied last where it goes on from a freeze, also after it was to go back', () => {
    const shut = through(closed)
    const replacing = { ...shut.live, spec: { ...shut.live.spec, strategy: { type: 'Recreate' } } }
    const open = carryOut(deployment, replacing, shut.row, goalFor(admitting(2)))
    const left = carryOut(deployment, open.live, open.row, goalFor(frozen))
    const halt = (from: Ended, goesBack: boolean) =>
      carryOut(deployment, from.live, from.row, goalFor(halted, { goesBack }))
    expect(halt(left, false).live.spec?.strategy).toEqual({ type: 'Recreate' })
    const back = halt(left, true)
    const on = halt(back, false)
    expect(on.live.spec?.strategy).toEqual({ type: 'Recreate' })
    expect(carryOut(deployment, on.live, on.row, goalFor(none)).live.spec).toEqual({
      ...spec,
      strategy: { type: 'Recreate' },
    })
    const going = carryOut(deployment, back.live, back.row, goalFor(reverting))
    expect(carryOut(deployment, going.live, going.row, goalFor(none)).live.spec).toEqual(spec)
  })

  test('are those of the new version where it was halted, helm has not gone back, and what was in flight goes on', () => {
    const shut = through(closed)
    const on = (at: Ended, current: string, ...positions: readonly GatePosition[]) =>
      positions.reduce(
        (it, position) => carryOut(deployment, it.live, it.row, goalFor(position, { current, applies: 'new' })),
        at,
      )
    const upgraded = {
      ...shut,
      live: { ...shut.live, spec: { ...shut.live.spec, strategy: rendered, minReadySeconds: 5 } },
    }
    const left = on(upgraded, 'new', admitting(0, 2), halted, admitting(2, 0), resting(2, 0), frozen)
    expect(on(left, 'new', none).live.spec).toEqual({ ...spec, strategy: rendered, minReadySeconds: 5 })
    const back = on(upgraded, 'new', admitting(0, 2), halted)
    expect(on(back, 'old', admitting(2, 0), frozen, none).live.spec).toEqual(spec)
  })

  test('are what helm rendered where it was kept from writing it', () => {
    const left = through(closed, admitting(2), frozen)
    const second = { executionId: 'two', current: 'new' }
    const shut = carryOut(deployment, left.live, left.row, goalFor(closed, { ...second, deployed: false }))
    const bounds = { minReadySeconds: null, progressDeadlineSeconds: 77, strategy: rendered, replicas: 1 }
    const annotations = { ...shut.live.metadata.annotations, [renderedName]: JSON.stringify(bounds) }
    const live = { ...shut.live, metadata: { ...shut.live.metadata, annotations } }
    expect(deployment.held(live)).toEqual(gated(2, 0))
    const open = carryOut(deployment, live, shut.row, goalFor(admitting(2), second))
    expect(open.live.spec).toMatchObject(gated(2, 0))
    const end = carryOut(deployment, open.live, open.row, goalFor(none, second))
    expect(end.live.spec).toEqual({ ...spec, strategy: rendered, progressDeadlineSeconds: 77 })
    expect(Object.keys(end.live.metadata.annotations ?? {})).toEqual([])
    expect(end.steps.at(-1)).toBe('done')
    expect(deployment.held(end.live)).toBeNull()
    expect(deployment.held(through(closed).live)).toBeNull()
  })

  /** Frozen by the first, taken over by the second, and helm applies an object that says nothing of the fields. */
  function unsaid(before: JsonObject, owned: JsonObject): Ended {
    const [shown, way] = [{ ...spec, ...before }, [closed, admitting(2), frozen]]
    const helm = { ...helms, fieldsV1: { 'f:spec': owned } }
    const first: Ended = { ...start, live: workload('Deployment', shown, [helm]) }
    const left = way.reduce((at, position) => carryOut(deployment, at.live, at.row, goalFor(position)), first)
    const second = { executionId: 'two', current: 'new' }
    const shut = carryOut(deployment, left.live, left.row, goalFor(closed, { ...second, deployed: false }))
    const note = { minReadySeconds: null, progressDeadlineSeconds: null, strategy: null }
    const annotations = { ...shut.live.metadata.annotations, [renderedName]: JSON.stringify(note) }
    const kept = { ...helm, fieldsV1: { 'f:spec': everything } }
    const metadata = { ...shut.live.metadata, annotations, managedFields: [kept] }
    const open = carryOut(deployment, { ...shut.live, metadata }, shut.row, goalFor(admitting(2), second))
    return carryOut(deployment, open.live, open.row, goalFor(none, second))
  }
  const everything = { 'f:minReadySeconds': {}, 'f:progressDeadlineSeconds': {}, 'f:strategy': { 'f:type': {} } }

  test('are gone where helm had rendered them, and does not any more', () => {
    const end = unsaid({ strategy: rendered, minReadySeconds: 5 }, everything)
    expect(end.live.spec).toEqual(spec)
    expect(end.row?.originals.owned).toEqual({})
    expect(end.steps.at(-1)).toBe('done')
  })

  test('stay those of another hand where helm never rendered them, and helm is not made their owner', () => {
    const end = unsaid({ strategy: rendered, minReadySeconds: 5 }, {})
    expect(end.live.spec).toEqual({ ...spec, strategy: rendered, minReadySeconds: 5 })
    expect(end.row?.originals.owned).toEqual({})
  })

  const rolling = (maxSurge: string | number, maxUnavailable: string | number) => ({
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  })
  const deadline = { progressDeadlineSeconds: 600 }
  test.each([
    ['no seconds', { minReadySeconds: 0 }, rolling(3, 0)],
    ['no deadline', { progressDeadlineSeconds: null }, { ...rolling(3, 0), ...deadline }],
    ['a bound alone', { strategy: { rollingUpdate: { maxSurge: 1 } } }, rolling(1, 0)],
    ['a bound that is taken away', { strategy: { rollingUpdate: { maxSurge: null } } }, rolling('25%', 0)],
    ['no strategy', { strategy: null }, rolling('25%', '25%')],
    ['all at once', { strategy: { $retainKeys: ['type'], type: 'Recreate' } }, { strategy: { type: 'Recreate' } }],
    ['others', { replicas: 7, paused: true }, rolling(3, 0)],
  ])('are filled in as the API server does: %s', (_, sent, wanted) => {
    expect(withRendered(rolling(3, 0), rolling(3, 0), sent)).toEqual(wanted)
  })

  test('are not what another hand made of the gate', () => {
    const open = through(closed, admitting(2))
    const live = { ...open.live, spec: { ...open.live.spec, ...gated(3, 0) } }
    expect(positionOf(deployment, live, open.row, 'one')).toEqual(admitting(3))
    const again = carryOut(deployment, live, open.row, goalFor(admitting(3)))
    expect(carryOut(deployment, again.live, again.row, goalFor(none)).live.spec).toEqual(spec)
  })

  test('stay when another execution takes a frozen workload over', () => {
    const left = through(closed, admitting(2), frozen)
    const second = { executionId: 'two', versions: { from: '1.0.0', to: '3.0.0' }, deployed: false }
    const shut = carryOut(deployment, left.live, left.row, goalFor(closed, { ...second, current: 'new' }))
    expect(shut.row).toMatchObject({ executionId: 'two', state: { previous: 'old', takenFrom: 'one' } })
    const open = carryOut(deployment, shut.live, shut.row, goalFor(admitting(1), { ...second, deployed: true }))
    const end = carryOut(deployment, open.live, open.row, goalFor(none, { ...second, deployed: true }))
    expect(end.live.spec).toEqual(spec)
  })

  test('a version that is rendered otherwise than before is learnt anew', () => {
    const left = through(closed, admitting(2), frozen)
    const known = {
      ...left.row,
      state: { ...left.row?.state, hashes: { '1.0.0': 'old', '2.0.0': 'before' } },
    } as GateRow
    const second = { executionId: 'two', deployed: false, current: 'before' }
    const shut = carryOut(deployment, left.live, known, goalFor(closed, second))
    expect(shut.row?.state).toMatchObject({ previous: 'old', target: 'before' })
    const goal = goalFor(admitting(1), { ...second, deployed: true, current: 'now' })
    const open = carryOut(deployment, shut.live, shut.row, goal)
    expect(open.row?.state).toMatchObject({ previous: 'old', target: 'now', hashes: { '2.0.0': 'now' } })
  })

  test('stay with the first when the second ends before helm ran: it is frozen as before', () => {
    const left = through(closed, admitting(2), frozen)
    const second = { executionId: 'two', deployed: false, current: 'new' }
    const shut = carryOut(deployment, left.live, left.row, goalFor(closed, second))
    const end = carryOut(deployment, shut.live, shut.row, goalFor(frozen, second))
    expect(end.row).toMatchObject({ executionId: 'one', state: { position: frozen } })
    expect(end.live.spec).toEqual(left.live.spec)
    expect(positionOf(deployment, end.live, end.row, 'two')).toEqual(none)
    expect(positionOf(deployment, end.live, end.row, 'one')).toEqual(frozen)
  })

  test('are put back by the second for another hand, before helm ran too', () => {
    const left = through(closed, admitting(2), frozen)
    const second = { executionId: 'two', deployed: false, current: 'new' }
    const shut = carryOut(deployment, left.live, left.row, goalFor(closed, second))
    const end = carryOut(deployment, shut.live, shut.row, goalFor(none, second))
    expect(end.row).toMatchObject({ executionId: 'two', state: { position: none } })
    expect(end.live.spec).toEqual(spec)
  })
})

describe('what is really there', () => {
  test('a Deployment that somebody has unpaused is held by nothing', () => {
    const shut = through(closed)
    const { paused: _, ...open } = shut.live.spec ?? {}
    expect(positionOf(deployment, { ...shut.live, spec: open }, shut.row, 'one')).toEqual(none)
  })

  test('one whose fields of ours are not withdrawn yet is not where helm may run', () => {
    const shut = through(closed)
    const managedFields = [{ manager: 'flotilla-gate', operation: 'Update' }]
    const owned = { ...shut.live, metadata: { ...shut.live.metadata, managedFields } }
    expect(positionOf(deployment, owned, shut.row, 'one')).toEqual(admitting(0))
  })

  test('a newer lease has been here', () => {
    const { live, row } = through(closed)
    expect(carryOut(deployment, live, row, goalFor(none, { epoch: 6n })).steps).toEqual(['overtaken'])
  })
})

describe('arming', () => {
  const set = (minReadySeconds: number, availableReplicas: number) => ({
    metadata: { name: 'rs', generation: 2 },
    spec: { replicas: 2, minReadySeconds },
    status: { replicas: 2, availableReplicas, observedGeneration: 2 },
  })
  const { live } = through(closed, admitting(0))
  test.each([
    ['no pods of the present template', start.live, null, 'not-needed'],
    ['pods that count as available', live, set(0, 2), 'needed'],
    ['pods whose new limit is not counted yet', live, set(2_000_000_000, 2), 'needed'],
    ['pods that count as never available', live, set(2_000_000_000, 0), 'done'],
    ['a gate that is not armed', start.live, set(2_000_000_000, 0), 'needed'],
  ] as const)('%s', (_, now, replicas, wanted) => {
    expect(armingOf(now, replicas)).toBe(wanted)
  })
})

test.each([
  ['is armed', 2_000_000_000, { availableReplicas: 2 }, true],
  ['counts them', 0, { availableReplicas: 2 }, false],
  ['has not seen the limit', 0, { availableReplicas: 2, observedGeneration: 1 }, true],
  ['does not count them yet', 0, { availableReplicas: 1 }, true],
])('a set whose pods are ready %s', (_, minReadySeconds, status, wanted) => {
  const metadata = { name: 'app-1', generation: 2 }
  const counted = { readyReplicas: 2, observedGeneration: 2, ...status }
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { minReadySeconds }, status: counted }
  expect(isUncounted(set)).toBe(wanted)
})

test('the chosen pods cost least, and an earlier choice is undone', () => {
  const pod = (name: string, cost?: string) => ({
    metadata: { name, uid: `uid-${name}`, ...(cost === undefined ? {} : { annotations: { [costName]: cost } }) },
  })
  const pods = [pod('a'), pod('b', OUR_COST), pod('c', OUR_COST), pod('d', '-5')]
  const take = [
    { name: 'a', uid: 'uid-a' },
    { name: 'b', uid: 'uid-b' },
  ]
  expect(costChanges(pods, take)).toEqual([
    { pod: 'a', cost: OUR_COST },
    { pod: 'c', cost: null },
  ])
})
