import type { ExecutionRow, OperationRow } from './database-reader.ts'
import type { FaultRecord } from './faults.ts'
import type { Refusals } from './lane.ts'

export type Report = {
  readonly seed: number
  readonly lines: readonly string[]
  readonly violations: readonly string[]
  /** Where logs and data lie, when something was violated. */
  readonly logs?: string
}

export type Figures = {
  readonly seed: number
  readonly record: FaultRecord
  readonly operations: readonly OperationRow[]
  readonly executions: readonly ExecutionRow[]
  readonly refused: Refusals
  /** Messages of the servers' logs at level error. */
  readonly logged: readonly string[]
  /** At Helm's storage, and at the pods of executions that move. */
  readonly looks: number
  readonly fleetLooks: number
  readonly violations: readonly string[]
}

/** The figures of a run, as lines to read. */
export function summarize(figures: Figures): Report {
  const { seed, record, operations, executions, refused, logged, looks, fleetLooks, violations } = figures
  const outcomes = countBy(
    operations,
    ({ kind, status, code }) => `${kind} ${status}${code === null ? '' : ` ${code}`}`,
  )
  const sorted = [...record.recoveries].sort((a, b) => a - b)
  const seconds = (ms: number | undefined) => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`)
  const lines = [
    `seed ${seed}`,
    `faults: ${record.total}: ${inWords(record.counts)}`,
    `operations: ${operations.length}`,
    ...[...outcomes].sort().map(([what, n]) => `  ${String(n).padStart(5)}  ${what}`),
    `executions: ${executions.length}`,
    ...[...countBy(executions, ({ strategy, status }) => `${strategy} ${status}`)]
      .sort()
      .map(([what, n]) => `  ${String(n).padStart(5)}  ${what}`),
    `refused: ${inWords(refused)}`,
    `errors in the logs of the servers: ${inWords(countBy(logged, (message) => message))}`,
    `recovery (from a fault until all that was open had moved on): p50 ${seconds(sorted[Math.floor(sorted.length / 2)])}, max ${seconds(sorted.at(-1))}`,
    `longest operations: ${longest(operations)}`,
    `looks at Helm's storage meanwhile: ${looks}`,
    `looks at the pods of executions meanwhile: ${fleetLooks}`,
    `violations: ${violations.length}`,
  ]
  return { seed, lines, violations }
}

function longest(operations: readonly OperationRow[]): string {
  const sorted = operations.toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0)).slice(0, 5)
  return sorted.map(({ kind, code, seconds }) => `${seconds?.toFixed(0)} s ${kind} ${code ?? 'ok'}`).join(', ')
}

function countBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1)
  return counts
}

function inWords(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0 ? 'none' : [...counts].map(([what, n]) => `${n} ${what}`).join(', ')
}
