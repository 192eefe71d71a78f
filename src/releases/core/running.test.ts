import { expect, test } from 'vitest'
import { queued } from './create.ts'
import type { HelmRevision, Operation, ReleaseState } from './model.ts'
import { runningRevision } from './running.ts'
import { HelmWorld } from './testing/helmworld.ts'
import { rest, wanted } from './testing/states.ts'

const before = { status: 'DEPLOYED', attemptedChartVersion: null } as const

function working(kind: Operation['kind'], change: Partial<Operation> = {}): ReleaseState {
  const state = rest({ status: kind === 'rollback' ? 'PENDING_ROLLBACK' : 'PENDING_UPGRADE' })
  return {
    ...state,
    operation: { ...queued(wanted(), kind, before, 1), phase: { name: 'applying', tries: 1 }, ...change },
  }
}

/** Revision 4 as helm has it while it is made. */
function made(change: Partial<HelmRevision>): HelmRevision {
  const world = new HelmWorld()
  world.byHand('pending')
  const revision = world.newest()
  if (revision === null) throw new Error('nothing was made')
  return { ...revision, revision: 4, secretUid: 'u4', ...change }
}
const upgrading = { status: 'pending-upgrade', description: 'Preparing upgrade', operationId: 'wanted' } as const
const back = { status: 'pending-rollback', description: 'Rollback to 2', operationId: null } as const

test('it is shown as pending, with the fixed words of helm', () => {
  expect(runningRevision(working('upgrade'), made(upgrading))).toMatchObject({
    ...{ revision: 4, verdict: 'PENDING_UPGRADE', performedBy: 'tester', description: 'Preparing upgrade' },
  })
  expect(runningRevision(working('rollback'), made(back))).toMatchObject({ verdict: 'PENDING_ROLLBACK' })
  const reverting = { failure: { code: 'hook_failed', detail: '' }, target: 2 } as const
  expect(runningRevision(working('upgrade', { reverting }), made(back))).toMatchObject({ verdict: 'PENDING_ROLLBACK' })
})

test('what helm says of its end is not told before it was looked at', () => {
  const failed = made({ ...upgrading, status: 'failed', description: 'Upgrade "web" failed: secret' })
  expect(runningRevision(working('upgrade'), failed)).toMatchObject({ verdict: 'PENDING_UPGRADE', description: '' })
})

test('what is not ours, is known or is not of a deploying act is not shown', () => {
  expect(runningRevision(working('upgrade'), made({ ...upgrading, operationId: 'another' }))).toBeNull()
  expect(runningRevision(working('upgrade'), made(back))).toBeNull()
  expect(runningRevision(working('upgrade'), made({ ...upgrading, revision: 5 }))).toBeNull()
  expect(runningRevision(working('upgrade'), made({ ...upgrading, revision: 3 }))).toBeNull()
  expect(runningRevision(working('uninstall'), made(upgrading))).toBeNull()
  expect(runningRevision(working('upgrade', { phase: { name: 'waiting' } }), made(upgrading))).toBeNull()
  expect(runningRevision(working('upgrade', { endedAt: 2 }), made(upgrading))).toBeNull()
})
