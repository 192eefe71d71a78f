import { type RawBuilder, sql } from 'kysely'

/** Backslashes (kept), the NUL character, and halves of surrogate pairs, as `JSON.stringify` escapes them. */
const notForPostgres = /\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g

/** JSON text that jsonb takes: what PostgreSQL cannot store (NUL, half a surrogate pair) becomes U+FFFD. */
export function jsonbText(value: unknown): string {
  return JSON.stringify(value).replace(notForPostgres, (found) => (found === '\\\\' ? found : '\ufffd'))
}

/** A JSON value as the parameter of a jsonb column; null is SQL's null. Text from outside is safe to store. */
export function jsonb(value: unknown): RawBuilder<unknown> {
  return value === null ? sql`null::jsonb` : sql`${jsonbText(value)}::jsonb`
}
