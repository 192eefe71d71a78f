import type { EventRow, OperationRow } from '../database-reader.ts'
import type { Ledger } from '../lane.ts'

/** How operations end, by the last word of their event's type. */
const ends = new Set(['succeeded', 'failed', 'cancelled', 'ended'])
const wordOf = (event: EventRow): string => event.type.split('.').at(-1) ?? ''

/** Every accepted operation ended exactly once, and nothing was done that nobody asked for. */
export function proveOperations(
  operations: readonly OperationRow[],
  events: readonly EventRow[],
  accepted: Ledger,
): readonly string[] {
  const known = new Map(operations.map((operation) => [operation.id, operation]))
  const endings = new Map<string, number>()
  for (const event of events) {
    if (event.operation !== null && ends.has(wordOf(event)))
      endings.set(event.operation, (endings.get(event.operation) ?? 0) + 1)
  }
  return [
    ...[...accepted].filter(([id]) => !known.has(id)).map(([id, what]) => `${what}: accepted ${id} is lost`),
    ...operations.filter(({ ended_at }) => ended_at === null).map(({ id, kind }) => `${kind} ${id} never ended`),
    // Nobody writes to the workloads but helm and the gates of executions: these must never be in its way.
    ...operations
      .filter(({ code }) => code === 'field_conflict')
      .map(({ id, kind, detail }) => `${kind} ${id} met a field conflict: ${detail}`),
    ...operations
      .filter(({ id }) => endings.get(id) !== 1)
      .map(({ id, kind }) => `${kind} ${id} has ${endings.get(id) ?? 0} events of its end`),
    ...operations
      .filter(({ id, parent_id, execution_id }) => parent_id === null && execution_id === null && !accepted.has(id))
      .map(({ id, kind }) => `${kind} ${id} was never asked for`),
  ]
}
