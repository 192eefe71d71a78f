import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Charts } from '../ports.ts'
import { type KnownCharts, schemasOf } from '../shown.ts'

const message = 'the value is masked: send the value itself, or leave the field out to keep it'

/**
 * Throws `Problem` malformed, naming every place, for values that hold `***` where one of these charts marks a secret: a
 * client has read values and sends them back (docs/adr/0031). Elsewhere three asterisks are a word like any other.
 */
export async function refuseMasked(
  charts: Pick<Charts, 'masked'>,
  known: KnownCharts,
  values: JsonObject | undefined,
): Promise<void> {
  if (values === undefined) return
  const places = await charts.masked(schemasOf(known), values)
  if (places.length === 0) return
  const errors = places.map((place) => ({ pointer: `/valuesOverride${place}`, message }))
  throw new Problem('malformed', `${errors[0]?.pointer}: ${message}`, { errors })
}
