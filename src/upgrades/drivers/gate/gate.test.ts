import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import { type GatePosition, workloadKinds } from '../../core/model.ts'
import type { GateRow } from '../../store/gate-row.ts'
import { gateKinds } from '../fleet/context.ts'
import { hasNote, noteEpoch, noteName, noteText } from './annotation.ts'
import { equivalentJson, mergePatch } from './json.ts'
import { markOf } from './mark.ts'
import { ownedByHelm, withdrawPatch } from './ownership.ts'
import { positionOf, sideOf, sidesOf } from './position.ts'
import { rowFor } from './row.ts'
import { carryOut, goalFor, merge, workload } from './testing.ts'

describe('JSON', () => {
  test('is the same whatever the order, and what is empty is as missing', () => {
    expect(equivalentJson({ a: 1, b: [] }, { b: null, c: {}, a: 1 })).toBe(true)
    expect(equivalentJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false)
    expect(equivalentJson(0, undefined)).toBe(false)
    expect(equivalentJson(false, undefined)).toBe(false)
  })

  test('a merge patch makes the wanted of the present, and none is needed afterwards', () => {
    const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.integer()))
    const { tree } = fc.letrec<{ tree: JsonObject }>((tie) => ({
      tree: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(leaf, tie('tree'))) as fc.Arbitrary<JsonObject>,
    }))
    fc.assert(
      fc.property(tree, tree, (live, wanted) => {
        const patch = mergePatch(live, wanted)
        const made = patch === null ? live : merge(live, patch)
        expect(mergePatch(made, wanted)).toBeNull()
        expect(equivalentJson(made, wanted)).toBe(true)
      }),
    )
  })
})

const start: Record<(typeof workloadKinds)[number], JsonObject> = {
  Deployment: {
    replicas: 5,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  },
  StatefulSet: { replicas: 5, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } },
  DaemonSet: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } },
}

const rollingSet = (rollingUpdate: JsonObject): JsonObject => ({ type: 'RollingUpdate', rollingUpdate })
const starts: readonly (readonly [string, (typeof workloadKinds)[number], JsonObject])[] = [
  ...workloadKinds.map((name) => [name, name, start[name]] as const),
  ['Recreate', 'Deployment', { replicas: 5, progressDeadlineSeconds: 600, strategy: { type: 'Recreate' } }],
  [
    'a StatefulSet with a limit',
    'StatefulSet',
    { replicas: 5, updateStrategy: rollingSet({ partition: 0, maxUnavailable: 2 }) },
  ],
  ['a StatefulSet with a partition', 'StatefulSet', { replicas: 5, updateStrategy: rollingSet({ partition: 2 }) }],
  ['OnDelete of a StatefulSet', 'StatefulSet', { replicas: 5, updateStrategy: { type: 'OnDelete' } }],
  ['OnDelete of a DaemonSet', 'DaemonSet', { updateStrategy: { type: 'OnDelete' } }],
]

describe('any way through the positions', () => {
  const position: fc.Arbitrary<GatePosition> = fc.oneof(
    fc.constantFrom<GatePosition>({ kind: 'none' }, { kind: 'closed' }, { kind: 'halted' }, { kind: 'frozen' }),
    fc.record({ kind: fc.constant('admitting' as const), upTo: fc.integer({ min: 0, max: 6 }), surge: fc.nat(2) }),
    fc.record({
      ...{ kind: fc.constant('admitting' as const), rests: fc.constant(true) },
      ...{ upTo: fc.integer({ min: 0, max: 6 }), surge: fc.nat(2) },
    }),
    fc.record({ kind: fc.constant('reverting' as const), unavailable: fc.nat(3), surge: fc.nat(2) }),
    fc.record({
      ...{ kind: fc.constant('reverting' as const), rests: fc.constant(true) },
      ...{ unavailable: fc.nat(3), surge: fc.nat(2) },
    }),
  )

  test.each(starts)('%s: each is reached, is repeatable, and none puts back what was there', (_, name, spec) => {
    const kind = gateKinds[name]
    fc.assert(
      fc.property(fc.array(position, { maxLength: 8 }), (way) => {
        let state = carryOut(kind, workload(name, spec), null, goalFor({ kind: 'closed' }))
        for (const next of [...way, { kind: 'none' } as const]) {
          const before = state
          state = carryOut(kind, state.live, state.row, goalFor(next))
          // Where the pods are ours to take, one that dies comes back as on the way back, also where that is stopped.
          if (kind.evicts && next.kind === 'frozen' && before.row?.state.position.kind === 'reverting') {
            expect(kind.fields(state.live)).toEqual(kind.fields(before.live))
          }
          expect(positionOf(kind, state.live, state.row, 'one')).toEqual(next)
          expect(carryOut(kind, state.live, state.row, goalFor(next)).steps).toEqual(['done'])
        }
        expect(state.live.spec).toEqual(spec)
        expect(state.live.metadata.annotations?.[noteName]).toBeUndefined()
        expect(withdrawPatch(state.live)).toBeNull()
      }),
    )
  })
})

describe('the note', () => {
  const noted = (text: string) => {
    const live = workload('Deployment', {})
    return { ...live, metadata: { ...live.metadata, annotations: { [noteName]: text } } }
  }

  test('says the same whoever wrote it', () => {
    const live = noted(noteText({ execution: 'one' }, 12n))
    expect(hasNote(live, { execution: 'one' })).toBe(true)
    expect(hasNote(live, { execution: 'two' })).toBe(false)
    expect(noteEpoch(live)).toBe(12n)
  })

  test.each(['', 'no JSON', '[]', '{"epoch":7}', '{"epoch":"-1"}', '{"epoch":"99999999999999999999"}'])(
    'of somebody else says nothing: %s',
    (text) => {
      expect(noteEpoch(noted(text))).toBeNull()
    },
  )
})

describe('ownership', () => {
  const helms = { manager: 'helm', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }
  const ours = { manager: 'flotilla-gate', operation: 'Update', fieldsV1: {} }

  test('is given back to helm without what we had', () => {
    const owned = { 'f:strategy': { 'f:type': {} } }
    const [version, entries] = withdrawPatch(workload('Deployment', {}, [helms, ours]), owned) ?? []
    expect(version).toEqual({ op: 'replace', path: '/metadata/resourceVersion', value: '10' })
    expect(entries?.value).toEqual([{ ...helms, fieldsV1: { 'f:spec': { 'f:replicas': {}, ...owned } } }])
  })

  test('of nobody else is reset: an empty list would change nothing', () => {
    expect(withdrawPatch(workload('Deployment', {}, [ours]))?.at(-1)).toMatchObject({ value: [{}] })
    expect(withdrawPatch(workload('Deployment', {}, [helms]))).toBeNull()
  })

  test('is what helm has now, and what it had of fields that are still ours', () => {
    const live = workload('Deployment', {}, [{ ...helms, fieldsV1: { 'f:spec': { 'f:minReadySeconds': {} } } }])
    const now = { minReadySeconds: 5, strategy: { type: 'RollingUpdate' } }
    const before = { 'f:strategy': { 'f:type': {} }, 'f:minReadySeconds': {} }
    expect(ownedByHelm(live, now, { strategy: now.strategy }, before)).toEqual(before)
    expect(ownedByHelm(live, now, {}, before)).toEqual({ 'f:minReadySeconds': {} })
  })
})

describe('sides', () => {
  const { row } = carryOut(
    gateKinds.Deployment,
    workload('Deployment', start.Deployment),
    null,
    goalFor({ kind: 'closed' }),
  )
  const execution = {
    ...{ id: 'one', deployed: true, change: null, stage: 'moving' as const, instances: [] },
    capabilities: { hold: 'gate', surge: false, ordered: false, pin: false },
    from: { id: 'a', version: '1.0.0', chartVersion: '1.0.0' },
    to: { id: 'b', version: '2.0.0', chartVersion: '2.0.0' },
  } as const
  const lineage = (current: string | null) => ({ owners: new Set<string>(), current })
  const at = (position: GatePosition, more: Partial<GateRow['state']> = {}): GateRow | null =>
    row === null ? null : { ...row, state: { ...row.state, position, ...more } }
  const unchanged = { podsChange: false, others: [], surgeRoom: 0 }

  test.each([
    ['before a gate', null, 'old', { previous: 'old', target: null }],
    ['closed: the template says nothing yet', at({ kind: 'closed' }), 'new', { previous: 'old', target: null }],
    ['learnt from the template', at({ kind: 'halted' }), 'new', { previous: 'old', target: 'new' }],
    ['as noted', at({ kind: 'halted' }, { target: 'new' }), 'old', { previous: 'old', target: 'new' }],
    [
      'on the way back the template is that of the previous version',
      at({ kind: 'reverting', unavailable: 1, surge: 0 }, { target: 'new' }),
      'older',
      { previous: 'older', target: 'new' },
    ],
  ] as const)('%s', (_, gate, current, wanted) => {
    expect(sidesOf(gate, lineage(current), execution)).toEqual(wanted)
  })

  test('of a fleet that another execution left are those of the versions', () => {
    const frozen = at({ kind: 'frozen' }, { hashes: { '1.0.0': 'a', '2.0.0': 'b' } })
    const back = { ...execution, id: 'two', from: execution.to, to: execution.from }
    expect(sidesOf(frozen, lineage('b'), back)).toEqual({ previous: 'b', target: 'a' })
  })

  test('of pods that do not change are the target once helm has run', () => {
    expect(sidesOf(null, lineage('old'), { ...execution, change: unchanged })).toEqual({
      previous: null,
      target: 'old',
    })
    const before = { ...execution, change: unchanged, deployed: false }
    expect(sidesOf(null, lineage('old'), before)).toEqual({ previous: 'old', target: null })
  })

  test('of a fleet to which an upgrade that failed has applied the target are those of the versions', () => {
    const applied = { ...execution, change: { ...unchanged, podsChange: true, template: 'to' } } as const
    const hashes = { '1.0.0': 'old', '2.0.0': 'new' }
    const sides = { previous: 'old', target: 'new' }
    expect(sidesOf(null, lineage('new'), applied, hashes)).toEqual(sides)
    const goal = goalFor({ kind: 'closed' }, { current: 'new', hashes, applied: true, deployed: false })
    expect(rowFor(gateKinds.Deployment, workload('Deployment', {}), null, goal).state).toMatchObject(sides)
    const nobody = goalFor({ kind: 'closed' }, { current: 'new', hashes: {}, applied: true })
    const { state } = rowFor(gateKinds.Deployment, workload('Deployment', {}), null, nobody)
    expect(state).toMatchObject({ previous: null, target: 'new' })
  })

  /** The row of a fleet that was held in these positions, with the hash of the template in each. */
  function rowAfter(first: GateRow | null, way: readonly (readonly [GatePosition, string | null, boolean?])[]) {
    const live = workload('DaemonSet', start.DaemonSet)
    return way.reduce<GateRow | null>((known, [position, current, deployed = true]) => {
      const goal = goalFor(position, { current, deployed })
      const told = rowFor(gateKinds.DaemonSet, live, known, goal)
      expect(rowFor(gateKinds.DaemonSet, live, told, goal)).toEqual(told)
      return told
    }, first)?.state
  }

  test('of a fleet that is frozen before its gate has opened: the template is the target, once helm has run', () => {
    const closed = [{ kind: 'closed' }, 'old', false] as const
    const hashes = { '1.0.0': 'old' }
    expect(rowAfter(null, [closed, [{ kind: 'frozen' }, 'new']])).toMatchObject({
      ...{ previous: 'old', target: 'new', hashes: { ...hashes, '2.0.0': 'new' } },
    })
    expect(rowAfter(null, [closed, [{ kind: 'frozen' }, 'old']])).toMatchObject({ target: null, hashes })
    expect(rowAfter(null, [closed, [{ kind: 'frozen' }, 'new', false]])).toMatchObject({ target: null, hashes })
  })

  test('of a frozen fleet that was taken over and is frozen again: a template of another version stays that', () => {
    const hashes = { '1.0.0': 'old', '1.5.0': 'was' }
    const left = at({ kind: 'frozen' }, { hashes })
    const other = left === null ? null : { ...left, executionId: 'before' }
    const again = rowAfter(other, [
      [{ kind: 'closed' }, 'was', false],
      [{ kind: 'frozen' }, 'was'],
    ])
    expect(again).toMatchObject({ previous: 'old', target: null, hashes })
  })

  test('of a fleet that is frozen on the way back: the template that helm went back to is the previous version', () => {
    const way = [
      ...[[{ kind: 'closed' }, 'hand', false] as const, [{ kind: 'admitting', upTo: 1, surge: 0 }, 'new'] as const],
      ...[[{ kind: 'halted' }, 'new'] as const, [{ kind: 'reverting', unavailable: 1, surge: 0 }, 'old'] as const],
      [{ kind: 'frozen' }, 'old'] as const,
    ]
    const hashes = { '1.0.0': 'old', '2.0.0': 'new' }
    expect(rowAfter(null, way)).toMatchObject({ previous: 'old', target: 'new', hashes })
  })

  test('of a fleet whose template told no hash while it was held are learnt when the way back is over', () => {
    const way = [
      [{ kind: 'closed' }, 'old', false] as const,
      [{ kind: 'admitting', upTo: 1, surge: 0 }, 'new'] as const,
      ...[[{ kind: 'halted' }, 'new'] as const, [{ kind: 'reverting', unavailable: 1, surge: 0 }, null] as const],
      [{ kind: 'none' }, 'older'] as const,
    ]
    const hashes = { '1.0.0': 'older', '2.0.0': 'new' }
    expect(rowAfter(null, way)).toMatchObject({ previous: 'older', target: 'new', hashes })
  })

  test('of a template that another hand has changed since helm applied it are none', () => {
    const applied = { mark: 'ours', hash: 'new' }
    const theirs = { ...lineage('theirs'), mark: 'another' }
    const gate = at({ kind: 'admitting', upTo: 0, surge: 3 })
    expect(sidesOf(gate, theirs, { ...execution, applied })).toEqual({ previous: 'old', target: 'new' })
    expect(sidesOf(gate, theirs, { ...execution, applied: { ...applied, hash: null } })).toMatchObject({ target: null })
    expect(
      sidesOf(gate, { ...lineage('new'), mark: 'ours' }, { ...execution, applied: { ...applied, hash: null } }),
    ).toEqual({ previous: 'old', target: 'new' })
    const goal = goalFor({ kind: 'frozen' }, { current: 'theirs', applies: 'new' })
    expect(rowFor(gateKinds.Deployment, workload('Deployment', {}), gate, goal).state).toMatchObject({
      ...{ previous: 'old', target: 'new', hashes: { '1.0.0': 'old', '2.0.0': 'new' } },
    })
  })

  test.each([
    ['deploying', { previous: 'now', target: null }],
    ['moving', { previous: null, target: 'now' }],
    ['verifying', { previous: null, target: 'now' }],
    ['reverting', { previous: 'now', target: null }],
    ['releasing', { previous: 'now', target: null }],
  ] as const)('of a fleet that no gate can hold are told by where the execution is: %s', (stage, wanted) => {
    const capabilities = { ...execution.capabilities, hold: 'none' } as const
    expect(sidesOf(null, lineage('now'), { ...execution, capabilities, stage })).toEqual(wanted)
  })

  test('of a pod are told by its hash', () => {
    const sides = { previous: 'a', target: 'b' }
    expect(['a', 'b', 'c', undefined].map((hash) => sideOf(hash, sides))).toEqual([
      'previous',
      'target',
      'other',
      'other',
    ])
  })
})

test('the mark of a template tells what it says, not how it is written', () => {
  const markWith = (template: JsonObject) => markOf({ spec: { template } })
  const same = { spec: { containers: [{ name: 'c', image: 'a:1' }] } }
  const written = {
    metadata: { creationTimestamp: null, labels: {} },
    spec: { containers: [{ image: 'a:1', name: 'c', resources: {} }] },
  }
  expect(markWith(written)).toBe(markWith(same))
  expect(markWith({ spec: { containers: [{ name: 'c', image: 'a:2' }] } })).not.toBe(markWith(same))
})
