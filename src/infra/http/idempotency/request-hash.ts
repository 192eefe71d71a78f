import { createHmac } from 'node:crypto'
import { canonicalJson } from '../../../core/json.ts'

/** A hash of what a request asks for. Keyed, since a body may hold secrets that are easy to guess. */
export function requestHash(key: Uint8Array, query: unknown, body: unknown): Buffer {
  return createHmac('sha256', key)
    .update(canonicalJson({ query: query ?? {}, body: body ?? {} }))
    .digest()
}
