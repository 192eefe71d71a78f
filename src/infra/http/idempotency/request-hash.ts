import { createHmac } from 'node:crypto'

/** A hash of what a request asks for. Keyed, since a body may hold secrets that are easy to guess. */
export function requestHash(key: Uint8Array, query: unknown, body: unknown): Buffer {
  return createHmac('sha256', key)
    .update(canonicalJson({ query: query ?? {}, body: body ?? {} }))
    .digest()
}

/** JSON text with sorted members: equal for bodies that differ in order or white space only. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isPlainObject(part) ? sorted(part) : part))
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
