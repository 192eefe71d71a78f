import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DomainEvent } from '../../core/events.ts'
import {
  type Batch,
  type BatchItem,
  type BatchObservation,
  decideBatch,
  type ItemSight,
  itemsToLookAt,
  waitOf,
} from './core.ts'

const options = { timeoutSeconds: 300, wait: true, waitForJobs: false, atomic: false }

function batchOf(size: number, concurrency: number): Batch {
  const item = (n: number): BatchItem => ({
    releaseId: `r${n}`,
    operationId: `o${n}`,
    status: 'todo',
    code: null,
    detail: null,
  })
  return {
    id: 'batch',
    tenantId: null,
    chart: 'web',
    resolved: { digest: 'sha256:1', version: '2.0.0', appVersion: null, hasHooks: false },
    targetVersion: '2.0.0',
    concurrency,
    options,
    items: Array.from({ length: size }, (_, n) => item(n)),
    starting: null,
    cancelRequested: false,
    performedBy: 'tester',
    principalId: 'tester',
    reason: null,
    startedAt: null,
    endedAt: null,
    outcome: null,
    seq: 0n,
    version: 0,
  }
}

/** Operations and releases as a batch sees them; `step` lets each running operation end with some chance. */
class Fleet {
  readonly running = new Set<string>()
  readonly ended = new Map<string, ItemSight>()
  readonly busy = new Set<string>()
  readonly started: string[] = []

  sights(batch: Batch): BatchObservation {
    return new Map(itemsToLookAt(batch).map((item) => [item.operationId, this.sight(item.operationId)]))
  }

  private sight(id: string): ItemSight {
    const ended = this.ended.get(id)
    if (ended !== undefined) return ended
    if (this.running.has(id)) return { kind: 'running' }
    return this.busy.has(id) ? { kind: 'busy', reason: 'an operation is in progress' } : { kind: 'startable' }
  }

  start(id: string): void {
    this.started.push(id)
    if (!this.busy.has(id)) this.running.add(id)
  }

  end(id: string, fine: boolean): void {
    this.running.delete(id)
    const outcome = fine
      ? ({ status: 'SUCCEEDED', error: null } as const)
      : ({ status: 'FAILED', error: { code: 'not_ready', detail: 'simulated' } } as const)
    this.ended.set(id, { kind: 'ended', outcome })
  }
}

function look(batch: Batch, fleet: Fleet, now: number) {
  const decision = decideBatch(batch, { kind: 'observed', observation: fleet.sights(batch), attempt: null }, now)
  if (decision.kind === 'rejected') throw new Error('an observation was refused')
  return decision
}

/** Each release's end is told once, as it was, with counts that rise by one; the end of the batch comes last. */
function expectToldOnce(batch: Batch, told: readonly DomainEvent[]): void {
  const progressed = told.filter(({ type }) => type === 'batch.progressed').map(({ data }) => data)
  expect(told.map(({ type }) => type)).toEqual([...progressed.map(() => 'batch.progressed'), 'batch.ended'])
  const outcomes = new Map(progressed.map(({ releaseOperationId, outcome }) => [releaseOperationId, outcome]))
  expect(outcomes).toEqual(new Map(batch.items.map(({ operationId, status }) => [operationId, status])))
  const over = progressed.map(({ upgraded, failed, skipped }) => Number(upgraded) + Number(failed) + Number(skipped))
  expect(over).toEqual(batch.items.map((_, at) => at + 1))
}

describe('decideBatch', () => {
  const story = fc.record({
    size: fc.integer({ min: 0, max: 12 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    busy: fc.array(fc.nat(11), { maxLength: 4 }),
    chances: fc.array(fc.tuple(fc.nat(4), fc.boolean()), { minLength: 1, maxLength: 30 }),
    lost: fc.array(fc.nat(30), { maxLength: 3 }),
    cancelAt: fc.option(fc.nat(15), { nil: null }),
  })

  test('never more at once than asked for, every release ends in one list, nothing starts after a cancel', () => {
    fc.assert(
      fc.property(story, ({ size, concurrency, busy, chances, lost, cancelAt }) => {
        const fleet = new Fleet()
        for (const n of busy) fleet.busy.add(`o${n}`)
        let batch = batchOf(size, concurrency)
        let cancelled = false
        const told: DomainEvent[] = []
        for (let step = 0; batch.endedAt === null; step++) {
          expect(step, 'it comes to an end').toBeLessThan(500)
          if (step === cancelAt) {
            const asked = decideBatch(batch, { kind: 'command', command: { kind: 'cancel' } }, step)
            if (asked.kind === 'next') batch = asked.state
            cancelled = true
          }
          const decision = look(batch, fleet, step)
          told.push(...decision.events)
          batch = { ...decision.state, starting: null }
          const wanted = decision.state.starting === null ? [] : [decision.state.starting]
          const fresh = wanted.filter((item) => !fleet.started.includes(item.operationId))
          if (cancelled) expect(fresh).toEqual([])
          // A release that refuses its upgrade is looked at again: it is skipped, or gets it then.
          if (!lost.includes(step)) for (const item of wanted) fleet.start(item.operationId)
          expect(fleet.running.size).toBeLessThanOrEqual(concurrency)
          const [which, fine] = chances[step % chances.length] ?? [0, true]
          const running = [...fleet.running]
          const chosen = running[which % Math.max(1, running.length)]
          if (chosen !== undefined) fleet.end(chosen, fine)
        }
        const left = batch.items.filter((item) => item.status === 'todo' || item.status === 'started')
        expect(left).toEqual([])
        for (const item of batch.items) {
          const sight = fleet.ended.get(item.operationId)
          if (sight?.kind === 'ended')
            expect(item.status).toBe(sight.outcome.status === 'SUCCEEDED' ? 'upgraded' : 'failed')
          else expect(item.status).toBe('skipped')
        }
        expectToldOnce(batch, told)
      }),
      { numRuns: 2_000 },
    )
  })

  test('says how many are to go and, once it is being cancelled, how many of them it still waits for', () => {
    const fleet = new Fleet()
    let { state } = look(batchOf(6, 2), fleet, 1)
    expect(waitOf(state)).toEqual({ reason: 'CHILDREN', until: null, detail: '6 of 6 to go' })
    fleet.running.add('o0')
    state = look(state, fleet, 2).state
    const asked = decideBatch(state, { kind: 'command', command: { kind: 'cancel' } }, 3)
    if (asked.kind === 'rejected') throw new Error(asked.detail)
    expect(waitOf(asked.state)).toEqual({
      reason: 'CANCELLING',
      until: null,
      detail: 'no further release is begun; 2 of 6 are under way',
    })
    state = look(asked.state, fleet, 4).state
    expect(waitOf(state)?.detail).toBe('no further release is begun; 1 of 6 is under way')
    fleet.ended.set('o0', { kind: 'ended', outcome: { status: 'SUCCEEDED', error: null } })
    expect(waitOf(look(state, fleet, 5).state)).toBeNull()
  })

  test('an empty batch ends at once', () => {
    const { state } = look(batchOf(0, 1), new Fleet(), 1)
    expect(state.outcome).toEqual({ status: 'SUCCEEDED', error: null })
  })

  test('one that has ended is not cancelled any more', () => {
    const { state } = look(batchOf(0, 1), new Fleet(), 1)
    const answer = decideBatch(state, { kind: 'command', command: { kind: 'cancel' } }, 2)
    expect(answer).toMatchObject({ kind: 'rejected', code: 'not_cancellable' })
  })
})
