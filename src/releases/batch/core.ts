import type { Decide } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Outcome } from '../core/model.ts'

/*
 * A batch upgrade starts one child operation a release, `concurrency` at once, and ends when all of them have.
 * An item goes  todo ──▶ started ──▶ upgraded | failed,  or  todo | started ──▶ skipped  when its release is busy.
 */

/** One release of a batch. The id of its operation is fixed when the batch is accepted, so that starting is repeatable. */
export type BatchItem = {
  readonly releaseId: Uuid
  readonly operationId: Uuid
  readonly status: 'todo' | 'started' | 'upgraded' | 'failed' | 'skipped'
  readonly code: ErrorCode | null
  readonly detail: string | null
}

export type BatchOptions = {
  readonly timeoutSeconds: number
  readonly wait: boolean
  readonly waitForJobs: boolean
  readonly atomic: boolean
}

/** The chart that every release of a batch gets: fixed when it is accepted, the same bytes for all. */
export type BatchChart = {
  readonly digest: string
  readonly version: string
  readonly appVersion: string | null
  readonly hasHooks: boolean
}

export type Batch = {
  readonly id: Uuid
  readonly chart: string
  readonly resolved: BatchChart
  readonly targetVersion: string
  readonly concurrency: number
  readonly options: BatchOptions
  readonly items: readonly BatchItem[]
  readonly cancelRequested: boolean
  readonly performedBy: string
  readonly principalId: string
  readonly reason: string | null
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly outcome: Outcome | null
  readonly seq: bigint
  readonly version: number
}

/** What became of an item: its operation, or why its release cannot take one. */
export type ItemSight =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | { readonly kind: 'startable' }
  | { readonly kind: 'busy'; readonly reason: string }

/** By operation id, for started items and for the next ones to start. */
export type BatchObservation = ReadonlyMap<Uuid, ItemSight>

export type BatchCommand = { readonly kind: 'cancel' }
export type BatchAct = { readonly kind: 'start'; readonly items: readonly BatchItem[] }

/** The items that an observation must look at: those under way, and as many of the next as may start. */
export function itemsToLookAt(batch: Batch): readonly BatchItem[] {
  const started = batch.items.filter((item) => item.status === 'started')
  const todo = batch.items.filter((item) => item.status === 'todo')
  return [...started, ...todo.slice(0, batch.concurrency)]
}

export const decideBatch: Decide<Batch, BatchCommand, BatchObservation, BatchAct> = (batch, input, now) => {
  if (input.kind === 'command') return cancel(batch, now)
  if (batch.endedAt !== null) return { kind: 'next', state: batch, act: null, events: [], wake: null }
  const seen = {
    ...batch,
    startedAt: batch.startedAt ?? now,
    items: batch.items.map((item) => look(item, input.observation)),
  }
  return advance(batch.cancelRequested ? dropLost(seen, input.observation) : seen, input.observation, now)
}

function look(item: BatchItem, observation: BatchObservation): BatchItem {
  const sight = observation.get(item.operationId)
  if (sight === undefined || (item.status !== 'started' && item.status !== 'todo')) return item
  if (sight.kind === 'busy') return { ...item, status: 'skipped', detail: sight.reason }
  if (sight.kind !== 'ended') return sight.kind === 'running' ? { ...item, status: 'started' } : item
  const { status, error } = sight.outcome
  if (status === 'SUCCEEDED') return { ...item, status: 'upgraded' }
  return { ...item, status: 'failed', code: error?.code ?? 'cancelled', detail: error?.detail ?? 'cancelled' }
}

/** An item whose start was lost with its worker has not begun: a cancelled batch does not begin it any more. */
function dropLost(batch: Batch, observation: BatchObservation): Batch {
  const isLost = (item: BatchItem) => item.status === 'started' && sightOf(observation, item) === 'startable'
  const skipped = { status: 'skipped', detail: 'the batch was cancelled' } as const
  return { ...batch, items: batch.items.map((item) => (isLost(item) ? { ...item, ...skipped } : item)) }
}

function advance(batch: Batch, observation: BatchObservation, now: Instant): ReturnType<typeof decideBatch> {
  const waiting = batch.items.filter((item) => item.status === 'started')
  const lost = waiting.filter((item) => observation.get(item.operationId)?.kind === 'startable')
  const room = batch.cancelRequested ? 0 : batch.concurrency - waiting.length
  const startable = batch.items.filter((item) => item.status === 'todo' && sightOf(observation, item) === 'startable')
  const next = [...lost, ...startable.slice(0, Math.max(0, room))]
  if (next.length > 0) return start(batch, next, now)
  if (waiting.length > 0) return { kind: 'next', state: batch, act: null, events: [], wake: now + seconds(10) }
  const left = batch.items.some((item) => item.status === 'todo') && !batch.cancelRequested
  return left ? { kind: 'next', state: batch, act: null, events: [], wake: now } : end(batch, now)
}

const sightOf = (observation: BatchObservation, item: BatchItem) => observation.get(item.operationId)?.kind

function start(batch: Batch, next: readonly BatchItem[], now: Instant): ReturnType<typeof decideBatch> {
  const ids = new Set(next.map((item) => item.operationId))
  const items = batch.items.map((item) => (ids.has(item.operationId) ? { ...item, status: 'started' as const } : item))
  const act = { act: { kind: 'start' as const, items: next }, baseline: {}, deadline: now + seconds(60) }
  return { kind: 'next', state: { ...batch, items }, act, events: [], wake: now }
}

/** A batch whose releases failed has still been carried out: each failure stands in its result (SPEC section 3). */
function end(batch: Batch, now: Instant): ReturnType<typeof decideBatch> {
  const cancelled = batch.cancelRequested && batch.items.some((item) => item.status === 'todo')
  const items = batch.items.map((item) =>
    item.status === 'todo' ? { ...item, status: 'skipped' as const, detail: 'the batch was cancelled' } : item,
  )
  const outcome: Outcome = { status: cancelled ? 'CANCELLED' : 'SUCCEEDED', error: null }
  const count = (status: BatchItem['status']) => items.filter((item) => item.status === status).length
  const data = {
    operationId: batch.id,
    chartName: batch.chart,
    targetVersion: batch.targetVersion,
    upgraded: count('upgraded'),
    failed: count('failed'),
    skipped: count('skipped'),
  }
  const events = [{ type: 'batch.ended', data }]
  return { kind: 'next', state: { ...batch, items, outcome, endedAt: now }, act: null, events, wake: null }
}

function cancel(batch: Batch, now: Instant): ReturnType<typeof decideBatch> {
  if (batch.endedAt !== null) return { kind: 'rejected', code: 'not_cancellable', detail: 'the batch has ended' }
  return { kind: 'next', state: { ...batch, cancelRequested: true }, act: null, events: [], wake: now }
}
