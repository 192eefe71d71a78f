import type { JsonObject } from '../core/json.ts'
import type { Charts } from './ports.ts'

/**
 * Values as they may be shown: `***` for what any of the charts marks. A value outlives the chart version whose schema
 * says that it is secret, so one schema alone would show it. Without any chart nothing but the shape is shown.
 */
export async function shownValues(
  charts: Pick<Charts, 'redact'>,
  digests: readonly (string | null)[],
  values: JsonObject,
): Promise<JsonObject> {
  const known = [...new Set(digests.filter((digest) => digest !== null))]
  if (known.length === 0) return charts.redact(null, values)
  let shown = values
  for (const digest of known) shown = await charts.redact(digest, shown)
  return shown
}
