import { describe, expect, test } from 'vitest'
import type { Held, Pod } from './chaos/cluster-reader.ts'
import type { EventRow, ExecutionRow, Hold, OperationRow, ReleaseRow } from './chaos/database-reader.ts'
import { FleetSentinel } from './chaos/executions/sentinel.ts'
import { proveAgreement, type Seen } from './chaos/proofs/agreement.ts'
import { proveEvents } from './chaos/proofs/events.ts'
import { type ExecutionsSeen, proveExecutions } from './chaos/proofs/executions.ts'
import { proveOperations } from './chaos/proofs/operations.ts'
import { proveUngated } from './chaos/proofs/ungated.ts'

/** The proofs of the crash matrix can fail: each lie that a crash might leave behind is found. */

const event = (seq: number, type: string, operation: string | null = 'op-1'): EventRow => ({
  ...{ subject_kind: 'release', subject_id: 'r1', seq: String(seq), type, operation },
  ...{ instance: null, from: null, status: null },
})
const story = [
  event(1, 'release.install.requested'),
  event(2, 'release.install.started'),
  event(3, 'release.install.succeeded'),
]
const release: ReleaseRow = {
  ...{ id: 'r1', namespace: 'ns', name: 'web', status: 'DEPLOYED', chart_version: '1.0.0', revision: 1 },
  ...{ pending_by: null, seq: '3', claimed_by_execution: null, frozen: false },
}

describe('events', () => {
  test('a complete story is one', () => expect(proveEvents(story, [release])).toEqual([]))

  test.each<[string, readonly EventRow[]]>([
    ['a gap', [event(1, 'release.install.requested'), event(3, 'release.install.succeeded')]],
    ['a missing end', story.slice(0, 2)],
    ['a second end', [...story, event(4, 'release.install.failed')]],
    ['an end before its beginning', [event(1, 'release.install.succeeded'), event(2, 'release.install.requested')]],
    ['a second operation in the middle', [story[0] ?? event(1, ''), event(2, 'release.upgrade.requested', 'op-2')]],
    ['a change by nobody in the middle', [story[0] ?? event(1, ''), event(2, 'release.changed', null)]],
  ])('%s is found', (_, events) => {
    const seq = String(events.length)
    expect(proveEvents(events, [{ ...release, seq }])).not.toEqual([])
  })

  test('a count that differs is found', () => {
    expect(proveEvents(story, [{ ...release, seq: '4' }])).not.toEqual([])
  })
})

describe('operations', () => {
  const done: OperationRow = {
    ...{
      id: 'op-1',
      kind: 'install',
      release_id: 'r1',
      parent_id: null,
      execution_id: null,
      status: 'SUCCEEDED',
      code: null,
    },
    ...{ detail: null, seconds: 1, ended_at: new Date(0) },
  }
  const accepted = new Map([['op-1', 'web']])

  test('one that ended once is fine', () => expect(proveOperations([done], story, accepted)).toEqual([]))

  test.each<[string, readonly OperationRow[], readonly EventRow[]]>([
    ['a lost one', [], []],
    ['an open one', [{ ...done, ended_at: null }], story],
    ['one that ended without a word', [done], story.slice(0, 2)],
    ['one that ended twice', [done], [...story, event(4, 'release.install.failed')]],
    ['a conflict with a gate', [{ ...done, code: 'field_conflict' }], story],
    ['one that nobody asked for', [done, { ...done, id: 'op-2' }], story],
  ])('%s is found', (_, operations, events) => {
    expect(proveOperations(operations, events, accepted)).not.toEqual([])
  })
})

describe('agreement', () => {
  const values = { replicaCount: 2, image: { tag: 'v1' } }
  const truth: Seen = {
    releases: [
      {
        ...{ id: 'r1', releaseName: 'web', namespace: 'ns', status: 'DEPLOYED', revision: 2, chartVersion: '1.0.0' },
        ...{ chartName: 'plain', executionId: null, frozen: null },
        ...{ attemptedChartVersion: null, pendingBy: null, valuesOverride: values },
      },
    ],
    history: new Map([['r1', [{ revision: 2, status: 'DEPLOYED' }]]]),
    stored: [{ namespace: 'ns', release: 'web', revision: 2, status: 'deployed', chartVersion: '1.0.0', values }],
    workloads: [{ namespace: 'ns', name: 'web', replicas: 2, images: ['repo/web:v1'] }],
  }
  const stored = (change: Partial<Seen['stored'][number]>) => ({
    ...truth,
    stored: truth.stored.map((each) => ({ ...each, ...change })),
  })
  const shown = (change: Partial<Seen['releases'][number]>) => ({
    ...truth,
    releases: truth.releases.map((each) => ({ ...each, ...change })),
  })

  test('the truth agrees', () => expect(proveAgreement(truth)).toEqual([]))

  test.each<[string, Seen]>([
    ['a release that stays PENDING', shown({ status: 'PENDING_UPGRADE' })],
    ['another hand that is none', shown({ pendingBy: 'external' })],
    ['another revision', shown({ revision: 1 })],
    ['another version', shown({ chartVersion: '1.1.0' })],
    ['other values', shown({ valuesOverride: { ...values, replicaCount: 3 } })],
    ['a pending revision', stored({ status: 'pending-upgrade' })],
    ['a revision that failed', stored({ status: 'failed' })],
    ['no record', { ...truth, stored: [] }],
    ['no workload', { ...truth, workloads: [] }],
    ['a workload of other values', { ...truth, workloads: [{ ...truth.workloads[0], replicas: 1 } as never] }],
    ['another image', { ...truth, workloads: [{ ...truth.workloads[0], images: ['repo/web:v2'] } as never] }],
    ['an uninstalled release that Helm still has', shown({ status: 'UNINSTALLED' })],
  ])('%s is found', (_, seen) => expect(proveAgreement(seen)).not.toEqual([]))
})

describe('executions', () => {
  const step = (seq: number, from: string, status: string, more: Partial<EventRow> = {}): EventRow => ({
    ...{ ...event(seq, 'execution.status-changed', null), subject_kind: 'execution', subject_id: 'e1', from, status },
    ...more,
  })
  const created = step(1, '', 'PENDING', { type: 'execution.created', from: null })
  const way = [created, step(2, 'PENDING', 'VALIDATING'), step(3, 'VALIDATING', 'FAILED')]
  const instance = (seq: number, from: string | null, status: string) =>
    step(seq, '', status, { type: 'execution.instance-changed', instance: 'i1', from })
  const execution: ExecutionRow = {
    ...{ id: 'e1', strategy: 'ROLLING', status: 'FAILED', seq: '3', claims: [{ releaseId: 'r1' }], hold: 'gate' },
    ...{ ended_at: new Date(0), lost: [1, 0] },
    transitions: [
      { from: 'PENDING', to: 'VALIDATING' },
      { from: 'VALIDATING', to: 'FAILED' },
    ],
  }
  const truth: ExecutionsSeen = {
    ...{ executions: [execution], events: way, operations: [], releases: [release], gates: [] },
    accepted: new Map([['e1', 'ROLLING']]),
  }
  const shown = (change: Partial<ExecutionRow>, events: readonly EventRow[] = way): ExecutionsSeen => ({
    ...truth,
    events,
    executions: [{ ...execution, seq: String(events.length), ...change }],
  })
  const given: OperationRow = {
    ...{ id: 'op-1', kind: 'upgrade', release_id: 'r1', parent_id: null, execution_id: 'e1', status: 'SUCCEEDED' },
    ...{ code: null, detail: null, seconds: 1, ended_at: new Date(0) },
  }
  const gate = { execution_id: 'e1', release_id: 'r1', namespace: 'ns', name: 'web', position: 'none' }

  test('the truth is proved', () => expect(proveExecutions(truth)).toEqual([]))

  test.each<[string, ExecutionsSeen]>([
    ['a lost one', { ...truth, executions: [] }],
    ['one that nobody asked for', { ...truth, accepted: new Map() }],
    ['one that never ended', shown({ ended_at: null })],
    ['a status that no event tells of', shown({ status: 'CANCELLED' })],
    ['a step that no event tells of', shown({}, way.slice(0, 2))],
    ['a step that is recorded otherwise', shown({ transitions: execution.transitions.slice(1) })],
    ['a step from somewhere else', shown({}, [created, step(2, 'PENDING', 'VALIDATING'), step(3, 'PAUSED', 'FAILED')])],
    ['no beginning', shown({}, way.slice(1))],
    ['an instance that jumps', shown({}, [...way, instance(4, null, 'PENDING'), instance(5, 'UPGRADING', 'FAILED')])],
    ['pods replaced twice', shown({ lost: [2] })],
    ['a second upgrade of the same release', { ...truth, operations: [given, { ...given, id: 'op-2' }] }],
    ['a claim that stays', { ...truth, releases: [{ ...release, claimed_by_execution: 'e1' }] }],
    ['a gate that stays', { ...truth, gates: [gate] }],
  ])('%s is found', (_, seen) => expect(proveExecutions(seen)).not.toEqual([]))

  const object: Held = {
    ...{ kind: 'Deployment', namespace: 'ns', name: 'web', annotations: {}, managers: ['helm'] },
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } },
  }

  test('a workload with its own fields is free', () => expect(proveUngated([object], [release])).toEqual([]))

  test.each<[string, Partial<Held>]>([
    ['a note', { annotations: { 'flotilla.dev/gate': '{}' } }],
    ['an owner', { managers: ['helm', 'flotilla-gate'] }],
    ['a pause', { spec: { paused: true } }],
    ['a number', { spec: { minReadySeconds: 2_000_000_000 } }],
    [
      'a strategy',
      { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } },
    ],
    ['a partition', { kind: 'StatefulSet', spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } }],
    ['a hold', { kind: 'DaemonSet', spec: { updateStrategy: { type: 'OnDelete' } } }],
    ['a pin', { kind: 'Service', spec: { selector: { 'pod-template-hash': 'abc' } } }],
  ])('%s that is left is found, but not on a frozen release', (_, change) => {
    expect(proveUngated([{ ...object, ...change }], [release])).not.toEqual([])
    expect(proveUngated([{ ...object, ...change }], [{ ...release, frozen: true }])).toEqual([])
  })
})

describe('pods while an execution moves them', () => {
  const pod = (uid: string, chartVersion: string, ready = true): Pod => ({
    ...{ uid, chartVersion, ready, namespace: 'ns', release: 'web', terminating: false },
  })
  const old = ['a', 'b', 'c', 'd'].map((uid) => pod(uid, '1.0.0'))
  const checking: Hold = {
    ...{ id: 'e1', status: 'VALIDATING', strategy: 'ROLLING', stage: 'checking', takes_over: false, instances: 4 },
    ...{
      percentage: 25,
      from_version: '1.0.0',
      to_version: '1.1.0',
      namespace: 'ns',
      release: 'web',
      position: null,
      admitted: 0,
    },
  }
  const moving = (upTo: number, surge = 0): Hold => ({
    ...{ ...checking, status: 'IN_PROGRESS', stage: 'moving', position: { kind: 'admitting', upTo, surge } },
  })
  const closed: Hold = { ...moving(0), stage: 'deploying', position: { kind: 'closed' } }

  /** What a sentinel says that has seen the fleet before it was touched, and then so. */
  async function seen(...looks: readonly (readonly [Hold, readonly Pod[]])[]): Promise<readonly string[]> {
    let now: readonly [Hold, readonly Pod[]] = [checking, old]
    const sentinel = new FleetSentinel({ pods: async () => now[1] }, { holds: async () => [now[0]] })
    for (const look of [now, ...looks]) {
      now = look
      await sentinel.look()
    }
    return [...sentinel.violations]
  }

  test('as many as were let go are fine, and so are pods beside the old ones', async () => {
    expect(await seen([moving(1), [pod('n', '1.1.0', false), ...old.slice(1)]])).toEqual([])
    expect(await seen([moving(0, 1), [pod('n', '1.1.0', false), ...old]])).toEqual([])
  })

  test('while it is pending anybody may upgrade the release', async () => {
    const pending: Hold = { ...checking, status: 'PENDING' }
    expect(await seen([pending, [pod('n', '1.1.0'), ...old.slice(1)]])).toEqual([])
  })

  test('so is one of a gate that was open and is shut again between two looks', async () => {
    const halted: Hold = { ...closed, position: { kind: 'halted' }, admitted: 1 }
    expect(await seen([halted, [pod('n', '1.1.0'), ...old.slice(1)]])).toEqual([])
    expect(await seen([halted, [pod('n', '1.1.0'), pod('m', '1.1.0'), ...old.slice(2)]])).not.toEqual([])
  })

  test.each<[string, Hold, readonly Pod[]]>([
    ['a gate that runs away', moving(1), [pod('n', '1.1.0'), pod('m', '1.1.0'), ...old.slice(2)]],
    ['a gate that was never opened', closed, [pod('n', '1.1.0'), ...old.slice(1)]],
    ['more unready than the budget', moving(2), [pod('n', '1.1.0', false), pod('m', '1.1.0', false), ...old.slice(2)]],
  ])('%s is found', async (_, hold, pods) => expect(await seen([hold, pods])).not.toEqual([]))

  test('an instance that is upgraded twice is found', async () => {
    const looks = ['n', 'm', 'o', 'p', 'q'].map((uid) => [moving(4), [pod(uid, '1.1.0'), ...old.slice(1)]] as const)
    expect(await seen(...looks.slice(1))).toEqual([])
    expect(await seen(...looks)).not.toEqual([])
  })
})
