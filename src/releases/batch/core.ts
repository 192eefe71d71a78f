import type { Decide, Waiting } from '../../core/decision.ts'
import type { DomainEvent } from '../../core/events.ts'
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
  /** The one tenant that all of its releases belong to, else null. */
  readonly tenantId: Uuid | null
  readonly chart: string
  readonly resolved: BatchChart
  readonly targetVersion: string
  readonly concurrency: number
  readonly options: BatchOptions
  readonly items: readonly BatchItem[]
  /** Set by a decision: the item whose release gets its upgrade when the batch is saved. Always null when loaded. */
  readonly starting: BatchItem | null
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

/** What a batch waits for; null when it has ended. Nothing of it has a moment: each release's operation tells its own. */
export function waitOf({ items, cancelRequested, endedAt }: Batch): Waiting | null {
  if (endedAt !== null) return null
  const begun = items.filter(({ status }) => status === 'started').length
  const open = begun + items.filter(({ status }) => status === 'todo').length
  if (!cancelRequested) return { reason: 'CHILDREN', until: null, detail: `${open} of ${items.length} to go` }
  const left = `${begun} of ${items.length} ${begun === 1 ? 'is' : 'are'} under way`
  return { reason: 'CANCELLING', until: null, detail: `no further release is begun; ${left}` }
}

/** The items that an observation must look at: those under way, and the next. */
export function itemsToLookAt(batch: Batch): readonly BatchItem[] {
  const started = batch.items.filter((item) => item.status === 'started')
  const next = batch.items.find((item) => item.status === 'todo')
  return next === undefined ? started : [...started, next]
}

export const decideBatch: Decide<Batch, BatchCommand, BatchObservation, never> = (batch, input, now) => {
  if (input.kind === 'command') return cancel(batch, now)
  if (batch.endedAt !== null) return { kind: 'next', state: batch, act: null, events: [], wake: null }
  const seen = {
    ...batch,
    startedAt: batch.startedAt ?? now,
    items: batch.items.map((item) => look(item, input.observation)),
  }
  const next = advance(batch.cancelRequested ? dropLost(seen, input.observation) : seen, input.observation, now)
  if (next.kind === 'rejected') return next
  return { ...next, events: [...progress(batch, next.state), ...next.events] }
}

/** An event for each release that the batch is through with, with how many there are by then (SPEC section 3). */
function progress(before: Batch, after: Batch): readonly DomainEvent[] {
  let items = before.items
  return after.items.flatMap((item, at) => {
    if (!isOver(item) || before.items[at]?.status === item.status) return []
    items = items.with(at, item)
    const { releaseId, status, code } = item
    const data = { ...about(before), releaseId, releaseOperationId: item.operationId, outcome: status, code }
    return [{ type: 'batch.progressed', data: { ...data, ...countsOf(items) } }]
  })
}

const isOver = ({ status }: BatchItem): boolean => status !== 'todo' && status !== 'started'

const about = ({ id, chart, targetVersion }: Batch) => ({ operationId: id, chartName: chart, targetVersion })

function countsOf(items: readonly BatchItem[]) {
  const count = (wanted: BatchItem['status']) => items.filter(({ status }) => status === wanted).length
  return { releases: items.length, upgraded: count('upgraded'), failed: count('failed'), skipped: count('skipped') }
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

/** An item whose release refused its upgrade has not begun: a cancelled batch does not begin it any more. */
function dropLost(batch: Batch, observation: BatchObservation): Batch {
  const isLost = (item: BatchItem) => item.status === 'started' && sightOf(observation, item) === 'startable'
  const skipped = { status: 'skipped', detail: 'the batch was cancelled' } as const
  return { ...batch, items: batch.items.map((item) => (isLost(item) ? { ...item, ...skipped } : item)) }
}

function advance(batch: Batch, observation: BatchObservation, now: Instant): ReturnType<typeof decideBatch> {
  const waiting = batch.items.filter((item) => item.status === 'started')
  const room = batch.cancelRequested ? 0 : batch.concurrency - waiting.length
  const isStartable = (item: BatchItem) => sightOf(observation, item) === 'startable'
  const refused = waiting.find(isStartable)
  if (refused !== undefined) return start(batch, refused, now)
  const next = batch.items.find((item) => item.status === 'todo')
  if (room > 0 && next !== undefined) return isStartable(next) ? start(batch, next, now) : rest(batch, now)
  return waiting.length > 0 ? rest(batch, now + seconds(10)) : end(batch, now)
}

const sightOf = (observation: BatchObservation, item: BatchItem) => observation.get(item.operationId)?.kind

const rest = (batch: Batch, wake: Instant): ReturnType<typeof decideBatch> => ({
  ...{ kind: 'next', state: batch, act: null, events: [], wake },
})

/**
 * One a decision, so that its transaction holds one release: two that hold several could wait for each other. With room
 * for more it goes on at once; without, it looks soon whether the release has taken its upgrade.
 */
function start(batch: Batch, starting: BatchItem, now: Instant): ReturnType<typeof decideBatch> {
  const started = { ...starting, status: 'started' } as const
  const items = batch.items.map((item) => (item.operationId === starting.operationId ? started : item))
  const running = items.filter(({ status }) => status === 'started').length
  const more = running < batch.concurrency && items.some(({ status }) => status === 'todo')
  return rest({ ...batch, items, starting: started }, more ? now : now + seconds(1))
}

/** A batch whose releases failed has still been carried out: each failure stands in its result (SPEC section 3). */
function end(batch: Batch, now: Instant): ReturnType<typeof decideBatch> {
  const cancelled = batch.cancelRequested && batch.items.some((item) => item.status === 'todo')
  const items = batch.items.map((item) =>
    item.status === 'todo' ? { ...item, status: 'skipped' as const, detail: 'the batch was cancelled' } : item,
  )
  const outcome: Outcome = { status: cancelled ? 'CANCELLED' : 'SUCCEEDED', error: null }
  const events = [{ type: 'batch.ended', data: { ...about(batch), ...countsOf(items) } }]
  return { kind: 'next', state: { ...batch, items, outcome, endedAt: now }, act: null, events, wake: null }
}

function cancel(batch: Batch, now: Instant): ReturnType<typeof decideBatch> {
  if (batch.endedAt !== null) return { kind: 'rejected', code: 'not_cancellable', detail: 'the batch has ended' }
  return { kind: 'next', state: { ...batch, cancelRequested: true }, act: null, events: [], wake: now }
}
