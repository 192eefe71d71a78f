import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Json } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'

const signatureBytes = 16

/**
 * A cursor: a position in one list, signed. `list` is what the position belongs to (path and filters); scope is never
 * in it, since each page is read through the caller's tenants (SECURITY.md).
 */
export function writeCursor(key: Uint8Array, list: string, position: Json): string {
  const body = Buffer.from(JSON.stringify(position))
  return Buffer.concat([sign(key, list, body), body]).toString('base64url')
}

/** The position in a cursor. Throws `invalid_cursor` for one that was altered, cut, or made for another list. */
export function readCursor(key: Uint8Array, list: string, cursor: string): Json {
  const bytes = Buffer.from(cursor, 'base64url')
  const signature = bytes.subarray(0, signatureBytes)
  const body = bytes.subarray(signatureBytes)
  const expected = sign(key, list, body)
  // Node leaves out what is no base64url, and bits that make no byte: another text may hold the same bytes.
  const isAsWritten = bytes.toString('base64url') === cursor
  if (!isAsWritten || signature.length !== expected.length || !timingSafeEqual(signature, expected))
    throw new Problem('invalid_cursor', 'Take the cursor from the Link header of this very list, unchanged', {
      errors: [{ pointer: 'query/cursor', message: 'is not a cursor of this list' }],
    })
  return JSON.parse(body.toString()) as Json
}

function sign(key: Uint8Array, list: string, body: Uint8Array): Buffer {
  const listHash = createHash('sha256').update(list).digest()
  return createHmac('sha256', key).update(listHash).update(body).digest().subarray(0, signatureBytes)
}
