import { describe, expect, test } from 'vitest'
import { decideForExecution } from './execution.ts'
import type { Conclusion, ExecutionCommand, Operation, Phase, ReleaseState } from './model.ts'
import { shownStatus } from './shown.ts'
import { type Situation, situations } from './situation.ts'
import { claim, rest, revision, states, wanted } from './testing/states.ts'

const executionId = 'execution'
const give = (state: ReleaseState, command: ExecutionCommand) => decideForExecution(state, command, 5)
const accepted = (state: ReleaseState, command: ExecutionCommand): ReleaseState => {
  const decision = give(state, command)
  if (decision.kind === 'rejected') throw new Error(decision.detail)
  return decision.state
}
const order = (action: 'upgrade' | 'rollback', change = {}): ExecutionCommand => ({
  kind: 'order',
  action,
  operation: wanted({ heldBy: executionId, chartVersion: '2.0.0', ...change }),
})
const failed: Conclusion = { kind: 'failed', code: 'not_ready', detail: 'too many failed' }
const conclude = (verdict: Conclusion): ExecutionCommand => ({
  kind: 'conclude',
  executionId,
  operationId: 'wanted',
  verdict,
})
const frozen = { executionId, versions: { '1.0.0': 1, '2.0.0': 2 } }

/** A claimed release with an operation of its execution in some phase. */
function during(phase: Phase, change: Partial<Operation> = {}): ReleaseState {
  const state = accepted(rest({ claim }), order('upgrade'))
  if (state.operation === null) throw new Error('the order was not taken on')
  return { ...state, operation: { ...state.operation, phase, ...change } }
}

describe('claim', () => {
  const table: Readonly<Record<Situation, string>> = {
    claimed: 'claimed_by_execution',
    ownOperation: 'operation_in_progress',
    external: 'pending_elsewhere',
    deployed: 'claimed',
    failedInstall: 'claimed',
    failedChange: 'claimed',
    failedUninstall: 'uninstall_unfinished',
    frozen: 'claimed',
    uninstalled: 'wrong_status',
  }
  test.each(situations)('%s', (situation) => {
    const decision = give(states[situation], { kind: 'claim', executionId: 'another' })
    const answer = decision.kind === 'rejected' ? decision.code : decision.state.release.claim?.executionId
    expect(answer).toBe(table[situation] === 'claimed' ? 'another' : table[situation])
    if (decision.kind === 'rejected') expect(decision.extra).toMatchObject({ releaseId: 'release' })
  })

  test('shows the release as pending and keeps what is beneath; the same claim again changes nothing', () => {
    const state = accepted(states.frozen, { kind: 'claim', executionId })
    expect(state.release).toMatchObject({ status: 'FAILED', frozen: { executionId: 'e' }, chartVersion: '1.0.0' })
    expect(shownStatus(state.release)).toBe('PENDING_UPGRADE')
    expect(accepted(state, { kind: 'claim', executionId })).toBe(state)
    const back = accepted(state, { kind: 'show', executionId, status: 'PENDING_ROLLBACK' })
    expect(shownStatus(back.release)).toBe('PENDING_ROLLBACK')
    expect(give(state, { kind: 'show', executionId: 'another', status: 'PENDING_ROLLBACK' })).toMatchObject({
      code: 'conflict',
    })
  })

  test('a release that is gone says so, claimed or not', () => {
    expect(shownStatus({ status: 'UNINSTALLED', claim })).toBe('UNINSTALLED')
  })
})

describe('order', () => {
  test('only of the execution that holds the release', () => {
    expect(give(rest(), order('upgrade'))).toMatchObject({ code: 'conflict' })
    expect(give(rest({ claim }), order('upgrade', { heldBy: 'another' }))).toMatchObject({ code: 'conflict' })
    expect(give(rest({ claim }), order('upgrade', { heldBy: null }))).toMatchObject({ code: 'conflict' })
  })
  test('is taken on once; another one has to wait', () => {
    const state = accepted(rest({ claim }), order('upgrade'))
    expect(state).toMatchObject({ release: { attemptedChartVersion: '2.0.0', claim: { target: '2.0.0' } } })
    expect(accepted(state, order('upgrade'))).toBe(state)
    const other = { kind: 'order', action: 'rollback', operation: { ...wanted({ heldBy: executionId }), id: 'other' } }
    expect(give(state, other as ExecutionCommand)).toMatchObject({ code: 'operation_in_progress' })
  })
  test('not while another hand works on the release', () => {
    expect(give(rest({ claim, pendingBy: 'external' }), order('upgrade'))).toMatchObject({ code: 'pending_elsewhere' })
  })
  test('not over what another hand has made since the claim', () => {
    const moved = rest({ claim: { ...claim, revision: 2 }, secretUid: 'u3' })
    const by = (operationId: string | null): ReleaseState => ({
      ...moved,
      revisions: [revision(2, 'DEPLOYED'), { ...revision(3, 'DEPLOYED'), operationId }],
    })
    for (const action of ['upgrade', 'rollback'] as const) {
      const given = order(action, { targetRevision: 2 })
      expect(give(by(null), given)).toMatchObject({ code: 'conflict' })
      expect(accepted(by('our upgrade'), given).operation?.kind).toBe(action)
    }
  })
  test('a rollback also to the newest revision: helm may have made none for the upgrade', () => {
    expect(accepted(rest({ claim }), order('rollback', { targetRevision: 3 })).operation?.kind).toBe('rollback')
    expect(give(rest({ claim }), order('rollback', { targetRevision: 9 }))).toMatchObject({
      code: 'revision_not_found',
    })
  })
})

describe('conclude', () => {
  test.each(['applying', 'settling', 'held', 'failing'] as const)('%s: the verdict is kept', (name) => {
    const state = during({ name, tries: 1, next: { kind: 'again' }, failure: failed } as Phase)
    for (const verdict of [failed, { kind: 'ready' } as const])
      expect(accepted(state, conclude(verdict)).operation).toMatchObject({ verdict, endedAt: null })
  })
  test('what helm has not begun is cancelled by a failure, and the release is as before', () => {
    expect(accepted(during({ name: 'queued' }), conclude(failed))).toMatchObject({
      release: { status: 'DEPLOYED', attemptedChartVersion: null, claim: { executionId } },
      operation: { outcome: { status: 'CANCELLED' } },
    })
    const ready = accepted(during({ name: 'queued' }), conclude({ kind: 'ready' }))
    expect(ready.operation).toMatchObject({ verdict: { kind: 'ready' }, endedAt: null })
  })
  test('one that has ended stays as it is', () => {
    const state = during({ name: 'held' }, { endedAt: 4 })
    expect(accepted(state, conclude(failed))).toBe(state)
  })
})

describe('unclaim', () => {
  const unclaim = (left: typeof frozen | null): ExecutionCommand => ({ kind: 'unclaim', executionId, frozen: left })
  const moved = { claim: { ...claim, revision: 2, target: '2.0.0' } }
  const own = [revision(2, 'DEPLOYED'), { ...revision(3, 'FAILED'), operationId: 'wanted' }]
  const ended = (heldBy: string | null): Operation => {
    const { operation } = during({ name: 'held' })
    if (operation === null) throw new Error('the order was not taken on')
    return { ...operation, endedAt: 4, request: { ...operation.request, heldBy } }
  }
  /** At revision 3, which the newest operation made: by default one of the execution. */
  const deployed = (change: object, revisions = own, heldBy: string | null = executionId): ReleaseState => ({
    ...rest({ ...moved, ...change, secretUid: 'u3' }),
    operation: ended(heldBy),
    revisions,
  })

  test('helm made no revision: as before, also frozen', () => {
    const before = rest({ status: 'FAILED', failedKind: 'upgrade', frozen, attemptedChartVersion: '1.5.0' })
    const { release } = accepted(accepted(before, { kind: 'claim', executionId: 'another' }), {
      ...unclaim(null),
      executionId: 'another',
    } as ExecutionCommand)
    expect(release).toEqual({ ...before.release, updatedAt: 5 })
  })
  test('what its last operation made of it: DEPLOYED, or FAILED with the version that it was moved to', () => {
    expect(accepted(deployed({}), unclaim(null)).release).toMatchObject({
      status: 'DEPLOYED',
      claim: null,
      frozen: null,
    })
    const failing = deployed({ status: 'FAILED', failedKind: 'rollback' })
    expect(accepted(failing, unclaim(frozen)).release).toMatchObject({
      status: 'FAILED',
      attemptedChartVersion: '2.0.0',
      frozen,
      waitingFor: null,
    })
  })
  test('the freeze of an execution before is over once helm has applied', () => {
    expect(accepted(deployed({ frozen }), unclaim(null)).release.frozen).toBeNull()
  })
  test('the freeze that it found stays where a late write of the operation before it has made a revision', () => {
    const late = deployed({ frozen, status: 'FAILED', failedKind: 'upgrade' }, own, null)
    expect(accepted(late, unclaim(null)).release).toMatchObject({ claim: null, frozen })
  })
  test('not while an operation is open; not frozen where another hand was meanwhile', () => {
    expect(give(during({ name: 'held' }), unclaim(null))).toMatchObject({ code: 'operation_in_progress' })
    const theirs = deployed({}, [revision(2, 'DEPLOYED'), revision(3, 'DEPLOYED')])
    expect(give(theirs, unclaim(frozen))).toMatchObject({ code: 'conflict' })
    expect(accepted(theirs, unclaim(null)).release.claim).toBeNull()
  })
  test.each([
    ['of a release that is gone', deployed({ status: 'UNINSTALLED' }), frozen],
    [
      'that another hand has ended meanwhile',
      deployed({ frozen }, [revision(2, 'FAILED'), revision(3, 'DEPLOYED')]),
      null,
    ],
  ])('a freeze %s is over: its gates come off at once, and nobody takes it over before', (_, state, left) => {
    const decision = give(state, unclaim(left))
    expect(decision).toMatchObject({ wake: 5, state: { release: { claim: null, frozen: { ...frozen, over: true } } } })
    if (decision.kind === 'rejected') throw new Error(decision.detail)
    expect(decision.events).toMatchObject([{ data: { frozen: false } }])
    expect(give(decision.state, { kind: 'claim', executionId: 'another' })).toMatchObject({ kind: 'rejected' })
  })
  test('of a revision of another hand that has failed, what that attempted is told', () => {
    const theirs = [revision(2, 'FAILED'), revision(3, 'FAILED')]
    const state = deployed({ status: 'FAILED', attemptedChartVersion: '3.0.0' }, theirs)
    expect(accepted(state, unclaim(null)).release.attemptedChartVersion).toBe('3.0.0')
  })

  test.each([
    ['FAILED', null],
    ['PENDING_UPGRADE', 'external'],
  ] as const)('beside a revision of another hand that is %s and without effect it stays to be judged', (status, by) => {
    const left = { ...frozen, unjudged: true } as const
    const made = deployed({ status, pendingBy: by }, [revision(2, 'FAILED'), revision(3, 'FAILED')])
    const decision = give(made, unclaim(left))
    expect(decision).toMatchObject({ wake: 5, state: { release: { claim: null, frozen: left } } })
    expect(give(made, unclaim(frozen))).toMatchObject({ kind: 'rejected' })
  })

  test.each([
    ['FAILED', null],
    ['PENDING_UPGRADE', 'external'],
  ] as const)('a freeze that it found and never touched stays to be judged beside one that is %s', (status, by) => {
    const theirs = [revision(2, 'FAILED'), revision(3, 'FAILED')]
    const decision = give(deployed({ frozen, status, pendingBy: by }, theirs, null), unclaim(null))
    expect(decision).toMatchObject({ wake: 5, state: { release: { claim: null } } })
    if (decision.kind === 'rejected') throw new Error(decision.detail)
    expect(decision.state.release.frozen).toEqual({ ...frozen, unjudged: true })
  })

  test('of another execution, or again: nothing', () => {
    const state = rest()
    expect(accepted(state, unclaim(null))).toBe(state)
  })
})
