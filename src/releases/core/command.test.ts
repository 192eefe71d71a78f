import { describe, expect, test } from 'vitest'
import { decideCommand } from './command.ts'
import { newRelease } from './create.ts'
import type { CallerCommand, Operation, ReleaseState } from './model.ts'
import { type CommandKind, releaseCommands, type Situation, situationOf, situations } from './situation.ts'
import { place } from './testing/simulation.ts'
import { claim, rest, revision, states, wanted } from './testing/states.ts'

type Expected =
  | 'accepted'
  | 'nothing'
  | NonNullable<Extract<ReturnType<typeof decideCommand>, { kind: 'rejected' }>>['code']

/** SPEC section 3, "The table below is complete": what each command meets in each row. */
const table: Readonly<Record<Situation, Readonly<Record<CommandKind, Expected>>>> = {
  ownOperation: same('operation_in_progress'),
  claimed: same('claimed_by_execution'),
  external: {
    upgrade: 'pending_elsewhere',
    rollback: 'pending_elsewhere',
    uninstall: 'pending_elsewhere',
    recover: 'pending_elsewhere',
  },
  deployed: { upgrade: 'accepted', rollback: 'accepted', uninstall: 'accepted', recover: 'nothing' },
  failedInstall: { upgrade: 'accepted', rollback: 'accepted', uninstall: 'accepted', recover: 'nothing' },
  failedChange: { upgrade: 'accepted', rollback: 'accepted', uninstall: 'accepted', recover: 'nothing' },
  failedUninstall: {
    upgrade: 'uninstall_unfinished',
    rollback: 'wrong_status',
    uninstall: 'accepted',
    recover: 'nothing',
  },
  frozen: { upgrade: 'accepted', rollback: 'accepted', uninstall: 'accepted', recover: 'nothing' },
  uninstalled: { upgrade: 'wrong_status', rollback: 'wrong_status', uninstall: 'wrong_status', recover: 'nothing' },
}

function same(expected: Expected): Record<CommandKind, Expected> {
  return { upgrade: expected, rollback: expected, uninstall: expected, recover: expected }
}

function give(state: ReleaseState, kind: CommandKind): Expected {
  const operation = wanted(kind === 'rollback' ? { targetRevision: 1 } : {})
  const ifRevision = state.release.revision
  const command: CallerCommand =
    kind === 'recover' ? { kind, operation, force: false } : { kind, operation, ifRevision }
  const decision = decideCommand(state, command, 5)
  if (decision.kind === 'rejected') return decision.code
  return decision.state.operation?.id === 'wanted' ? 'accepted' : 'nothing'
}

describe('the table of status and command', () => {
  for (const situation of situations) {
    test(`${situation}: the example is in that row`, () => expect(situationOf(states[situation])).toBe(situation))
    for (const kind of releaseCommands) {
      test(`${situation}: ${kind}`, () => expect(give(states[situation], kind)).toBe(table[situation][kind]))
    }
  }

  test('a claimed release names its execution, also while an operation of that runs', () => {
    const { operation } = states.ownOperation
    const state = { ...rest({ status: 'PENDING_UPGRADE', claim }), operation }
    const decision = decideCommand(state, { kind: 'uninstall', operation: wanted() }, 5)
    expect(decision).toMatchObject({
      code: 'claimed_by_execution',
      extra: { executionId: 'execution', operationId: operation?.id },
    })
    if (decision.kind === 'rejected') expect(decision.detail).toContain('held by the upgrade execution execution')
  })

  test('an unfinished uninstall comes before a freeze', () => {
    const state = rest({ status: 'FAILED', failedKind: 'uninstall', frozen: { executionId: 'e', versions: {} } })
    expect(give(state, 'upgrade')).toBe('uninstall_unfinished')
  })

  test('recover with force settles what another hand left pending', () => {
    const decision = decideCommand(states.external, { kind: 'recover', operation: wanted(), force: true }, 5)
    expect(decision).toMatchObject({ kind: 'next', state: { operation: { id: 'wanted', kind: 'recover' } } })
  })
})

describe('rollback', () => {
  const to = (state: ReleaseState, targetRevision: number, ifRevision = state.release.revision) =>
    decideCommand(state, { kind: 'rollback', operation: wanted({ targetRevision }), ifRevision }, 5)

  test('to a revision that does not exist', () => expect(to(rest(), 9)).toMatchObject({ code: 'revision_not_found' }))
  test('to the current one', () => expect(to(rest(), 3)).toMatchObject({ code: 'current_revision' }))
  test('for another revision than the present one', () =>
    expect(to(rest(), 1, 2)).toMatchObject({ code: 'revision_moved' }))
  test('of a release that never was DEPLOYED, to a FAILED one', () => {
    const state = { ...states.failedInstall, revisions: [revision(1, 'FAILED'), revision(3, 'FAILED')] }
    expect(to(state, 1)).toMatchObject({ code: 'nothing_to_roll_back_to' })
  })
})

describe('cancel', () => {
  const running = (change: Partial<Operation>): ReleaseState => {
    const state = newRelease(place, 'web', wanted(), 1)
    if (state.operation === null) throw new Error('a new release has an operation')
    return {
      ...state,
      operation: { ...state.operation, startedAt: 2, phase: { name: 'applying', tries: 1 }, ...change },
    }
  }
  const cancel = (state: ReleaseState) => decideCommand(state, { kind: 'cancel', operationId: 'wanted' }, 5)

  test('a queued install frees the name', () => {
    expect(cancel(newRelease(place, 'web', wanted(), 1))).toMatchObject({
      state: { release: { status: 'UNINSTALLED' }, operation: { outcome: { status: 'CANCELLED' } } },
    })
  })
  test('a running install is asked to end', () => {
    expect(cancel(running({}))).toMatchObject({ state: { operation: { cancelRequested: true, endedAt: null } } })
  })
  test('a running rollback of helm cannot be interrupted, its wait can', () => {
    expect(cancel(running({ kind: 'rollback' }))).toMatchObject({ code: 'not_cancellable' })
    const waiting = running({ kind: 'rollback', phase: { name: 'waiting' } })
    expect(cancel(waiting)).toMatchObject({ state: { operation: { cancelRequested: true } } })
  })
  test('the way back of an atomic operation cannot be interrupted', () => {
    const reverting = { failure: { code: 'not_ready', detail: '' }, target: 1 } as const
    expect(cancel(running({ reverting }))).toMatchObject({ code: 'not_cancellable' })
  })
  test('an operation of an execution ends with it, also while it is queued', () => {
    const request = { ...wanted().request, heldBy: 'execution' }
    for (const change of [{ phase: { name: 'queued' } }, { phase: { name: 'held' } }] as const) {
      const answer = cancel(running({ ...change, request }))
      expect(answer).toMatchObject({ code: 'not_cancellable', extra: { executionId: 'execution' } })
    }
  })
  test('another operation, or one that has ended', () => {
    expect(decideCommand(rest(), { kind: 'cancel', operationId: 'other' }, 5)).toMatchObject({
      code: 'not_cancellable',
    })
  })
})
