import type { DomainEvent } from '../../core/events.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Execution, Instance } from './model.ts'

/**
 * The events of a decision: whatever differs between before and after, so that no change goes untold (SPEC section 6).
 * They carry names, numbers and codes; never values, evidence, messages or the words of people, of helm or of the
 * cluster: those stand in the execution, which its tenant may read.
 */
export function eventsBetween(before: Execution, after: Execution): readonly DomainEvent[] {
  if (before === after) return []
  return [
    ...statusEvents(before, after),
    ...batchEvents(before, after),
    ...instanceEvents(before, after),
    ...checkEvents(before, after),
    ...noteEvents(before, after),
  ]
}

/** The first event of an execution. */
export function createdEvent(execution: Execution): DomainEvent {
  const { spec, totalInstances } = execution
  return event(execution, 'created', {
    status: execution.status,
    strategy: spec.strategy,
    totalInstances,
    initiatedBy: execution.initiatedBy,
  })
}

function event(execution: Execution, what: string, more: JsonObject): DomainEvent {
  const { id, tenantId, componentId, from, to, target } = execution
  const versions = { fromVersion: from.version, toVersion: to.version }
  const data = { executionId: id, tenantId, componentId, ...versions, rehearsal: target.kind === 'rehearsal', ...more }
  return { type: `execution.${what}`, data }
}

function statusEvents(before: Execution, after: Execution): readonly DomainEvent[] {
  return after.transitions
    .slice(before.transitions.length)
    .map(({ from, to, by }) =>
      event(after, 'status-changed', { from, status: to, by, statusReason: after.statusReason }),
    )
}

function batchEvents(before: Execution, after: Execution): readonly DomainEvent[] {
  if (after.currentBatch <= before.currentBatch) return []
  return [event(after, 'batch-started', { batch: after.currentBatch, strategy: after.spec.strategy })]
}

function instanceEvents(before: Execution, after: Execution): readonly DomainEvent[] {
  if (before.instances === after.instances) return []
  const known = new Map(before.instances.map((instance) => [instance.id, instance]))
  const events: DomainEvent[] = []
  for (const instance of after.instances) {
    const was = known.get(instance.id)
    known.delete(instance.id)
    if (was === undefined || differs(was, instance)) events.push(instanceEvent(after, instance, was?.status ?? null))
  }
  for (const gone of known.values()) {
    events.push(event(after, 'instance-removed', { instanceId: gone.id, index: gone.index, status: gone.status }))
  }
  return events
}

function differs(was: Instance, is: Instance): boolean {
  if (was === is) return false
  return was.status !== is.status || was.side !== is.side || was.pod?.uid !== is.pod?.uid || was.ready !== is.ready
}

function instanceEvent(execution: Execution, instance: Instance, from: string | null): DomainEvent {
  const { id, index, status, side, pod, ready, origin } = instance
  const what = { instanceId: id, index, from, status, side, pod: pod?.name ?? null, ready, origin }
  return event(execution, 'instance-changed', what)
}

function checkEvents(before: Execution, after: Execution): readonly DomainEvent[] {
  const known = new Map(before.checks.map((check) => [`${check.phase} ${check.name}`, check.status]))
  return after.checks
    .filter((check) => known.get(`${check.phase} ${check.name}`) !== check.status)
    .map(({ name, phase, status }) => event(after, 'check-changed', { check: name, phase, status }))
}

/** Warnings that have an event of their own. */
const pinEvents: Readonly<Record<string, string>> = {
  PIN_RESTORED: 'pin-restored',
  PIN_MOVED: 'pin-moved',
  PIN_REMOVED: 'pin-removed',
}

/** What else is worth to be told: why nothing moves, who approved, and warnings such as a pin that had to be removed. */
function noteEvents(before: Execution, after: Execution): readonly DomainEvent[] {
  const events: DomainEvent[] = []
  for (const { code } of after.warnings.slice(before.warnings.length)) {
    events.push(event(after, pinEvents[code] ?? 'warned', { warning: code }))
  }
  for (const { by, batch } of after.approvals.slice(before.approvals.length)) {
    events.push(event(after, 'approved', { by, batch }))
  }
  if (after.ending !== null && before.ending?.to !== after.ending.to) {
    const { to, reason, by } = after.ending
    events.push(event(after, 'ending', { to, reason, by }))
  }
  if (after.waitingFor !== null && before.waitingFor?.reason !== after.waitingFor.reason) {
    events.push(event(after, 'waiting', { waitingFor: after.waitingFor.reason }))
  }
  return events
}
