import { expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import type { GatePosition } from '../core/model.ts'
import { gateKinds } from './fleet/context.ts'
import { judgeTemplates } from './frozen-templates.ts'
import type { Workload } from './gate/model.ts'
import type { GateGoal } from './gate/row.ts'
import { carryOut, goalFor, workload } from './gate/testing.ts'

const kind = gateKinds.Deployment
const withImage = (image: string): JsonObject => ({ replicas: 2, template: { spec: { containers: [{ image }] } } })
const edited = (live: Workload, image: string): Workload => ({ ...live, spec: { ...live.spec, ...withImage(image) } })

type Step = readonly [GatePosition['kind'] | 'admitting', Partial<GateGoal>?]

/** Brought through these positions in turn, with what is seen of its template at the end; another hand edits it before the last. */
function held(steps: readonly Step[], editBefore: number | null = null) {
  let state = carryOut(kind, workload('Deployment', withImage('one')), null, goalFor({ kind: 'closed' }))
  for (const [at, [name, more]] of steps.entries()) {
    const position = name === 'admitting' ? { kind: name, upTo: 1, surge: 0 } : ({ kind: name } as GatePosition)
    const live = at === editBefore ? edited(state.live, 'two') : state.live
    state = carryOut(kind, live, state.row, goalFor(position, more))
  }
  const { row, live } = state
  if (row === null) throw new Error('nothing is held')
  return { row, live }
}

const left: readonly Step[] = [['admitting'], ['frozen']]
const again = { executionId: 'two', deployed: false }

test('is the same until somebody changes it, whatever else of the workload is changed', () => {
  const { row, live } = held(left)
  expect(judgeTemplates([{ row, live }])).toBe('same')
  expect(judgeTemplates([{ row, live: { ...live, spec: { ...live.spec, replicas: 5 } } }])).toBe('same')
  expect(judgeTemplates([{ row, live: edited(live, 'two') }])).toBe('changed')
  expect(judgeTemplates([{ row, live: null }])).toBe('changed')
  const other = { ...live, metadata: { ...live.metadata, uid: 'another' } }
  expect(judgeTemplates([{ row, live: other }])).toBe('changed')
})

test('is not known where it was not noted, and of nothing', () => {
  const open = held([['admitting']])
  expect(judgeTemplates([open])).toBe('unknown')
  expect(judgeTemplates([held(left), open])).toBe('unknown')
  expect(judgeTemplates([])).toBe('unknown')
})

test('frozen again, it is compared with what it was frozen with first', () => {
  expect(judgeTemplates([held([...left, ['frozen']], 2)])).toBe('changed')
  expect(judgeTemplates([held([...left, ['admitting'], ['frozen']], 3)])).toBe('same')
})

test.each<readonly [string, readonly Step[]]>([
  ['halted for an upgrade that failed', [['halted']]],
  [
    'taken over and given back',
    [
      ['closed', again],
      ['frozen', again],
    ],
  ],
])('%s, it is compared with what it was frozen with', (_, then) => {
  expect(judgeTemplates([held([...left, ...then])])).toBe('same')
  expect(judgeTemplates([held([...left, ...then], 2)])).toBe('changed')
})
