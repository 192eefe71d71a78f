import { malformed } from '../../core/problems.ts'

/** A chart's name: a name, never a path or an address (SECURITY.md). */
export const chartNamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,249})$/

/** Throws `malformed` for what cannot be the name of a chart. */
export function requireChartName(name: string, pointer = '/chartName'): void {
  if (!chartNamePattern.test(name)) throw malformed(pointer, 'must be the name of a chart, not a path or an address')
}
