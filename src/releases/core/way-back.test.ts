import { expect, test } from 'vitest'
import { queued } from './create.ts'
import type { Operation, Phase, ReleaseState } from './model.ts'
import { rest, wanted } from './testing/states.ts'
import { rollbackAhead } from './way-back.ts'

const failure = { code: 'hook_failed', detail: '' } as const
const before = { status: 'DEPLOYED', attemptedChartVersion: null } as const

function working(
  kind: 'upgrade' | 'rollback' | 'install',
  phase: Phase,
  change: Partial<Operation['request']> = {},
): ReleaseState {
  const operation = queued(wanted({ atomic: true, ...change }), kind, before, 1)
  return { ...rest(), operation: { ...operation, phase } }
}

const failing: Phase = { name: 'failing', failure }
const settled: Phase = { name: 'settling', next: { kind: 'conclude', failure }, tries: 1 }
const newest = { revision: 4, status: 'failed' } as const

test('a rollback goes back to its target, which is looked at once: before it begins', () => {
  expect(rollbackAhead(working('rollback', { name: 'queued' }, { targetRevision: 2 }), newest)).toBe(2)
  expect(rollbackAhead(working('rollback', { name: 'applying', tries: 1 }, { targetRevision: 2 }), newest)).toBeNull()
  expect(rollbackAhead(rest(), newest)).toBeNull()
})

test('an atomic upgrade that has failed goes back to the newest revision before it that ended DEPLOYED', () => {
  for (const phase of [failing, settled]) expect(rollbackAhead(working('upgrade', phase), newest)).toBe(3)
  expect(rollbackAhead(working('upgrade', failing, { atomic: false }), newest)).toBeNull()
  expect(rollbackAhead(working('install', failing), newest)).toBeNull()
  // Helm does not call it failed yet: that comes first.
  expect(rollbackAhead(working('upgrade', failing), { revision: 4, status: 'pending-upgrade' })).toBeNull()
  const again: Phase = { name: 'settling', next: { kind: 'again' }, tries: 1 }
  expect(rollbackAhead(working('upgrade', again), newest)).toBeNull()
})
