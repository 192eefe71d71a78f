/** How often a property is tried, and how long that may take. */
export type PropertyRuns = { readonly numRuns: number; readonly limitMs: number }

/** A slow machine needs no more for one run, on average. */
const runMs = 300

/** So often by default; `FLOTILLA_RUNS` for more, which then may take as much longer. */
export function propertyRuns(byDefault: number): PropertyRuns {
  const numRuns = Number(process.env.FLOTILLA_RUNS ?? byDefault)
  return { numRuns, limitMs: Math.max(600_000, numRuns * runMs) }
}
