import { z } from 'zod'

/** A whole number in a query, in decimal digits: `1e3`, ` 7`, `0x10` and `1.0` are refused. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .regex(/^-?(0|[1-9][0-9]{0,15})$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
}

/** `true` or `false`, nothing else. */
export function queryBoolean() {
  return z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .pipe(z.boolean())
}

/** Text in a query, not empty. */
export function queryText(max = 253) {
  return z.string().min(1).max(max)
}

/** What a list can be ordered by. */
export function querySort<const Orders extends readonly [string, ...string[]]>(orders: Orders, first: string) {
  return z.enum(orders).optional().describe(`\`-\` is descending; ${first} unless told.`)
}

/** The page parameters that every list takes. Spread them into its query schema. */
export const pageQuery = {
  limit: queryInteger(1, 1000).optional().describe('Page size. Without it the list is whole.'),
  cursor: queryText(2048).optional().describe('Where the page begins: taken from the Link header, opaque.'),
}
