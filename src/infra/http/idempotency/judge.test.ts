import { expect, test } from 'vitest'
import { isFinal, judgeKey, type KeyRow, stillCovers } from './judge.ts'
import { requestHash } from './request-hash.ts'

const hash = Buffer.from('same')
const outcome = { answer: { status: 201, headers: {}, body: '{}' }, tenants: [] }
const row = (more: Partial<KeyRow> = {}): KeyRow => ({ body_hash: hash, operation_id: null, response: null, ...more })

test.each<[string, KeyRow | undefined, string]>([
  ['a row that went meanwhile', undefined, 'running'],
  ['another body', row({ body_hash: Buffer.from('other'), operation_id: 'x' }), 'mismatch'],
  ['an operation', row({ operation_id: 'x' }), 'operation'],
  ['an operation with an answer', row({ operation_id: 'x', response: outcome }), 'operation'],
  ['an answer', row({ response: outcome }), 'answered'],
  ['neither', row(), 'running'],
])('%s', (_, of, kind) => {
  expect(judgeKey(of, hash).kind).toBe(kind)
})

test('of an operation what its caller was answered is kept', () => {
  expect(judgeKey(row({ operation_id: 'x', response: outcome }), hash)).toMatchObject({ operationId: 'x', outcome })
  expect(judgeKey(row({ operation_id: 'x' }), hash)).toMatchObject({ operationId: 'x', outcome: null })
})

test('a replay is for callers who still see what they saw', () => {
  expect(stillCovers('all', ['a'])).toBe(true)
  expect(stillCovers(['a', 'b'], ['a'])).toBe(true)
  expect(stillCovers(['b'], ['a'])).toBe(false)
  expect(stillCovers(['a'], 'all')).toBe(false)
  expect(stillCovers([], [])).toBe(true)
})

test('what a retry may cure is not kept', () => {
  expect([200, 201, 400, 403, 404, 409, 422].every(isFinal)).toBe(true)
  expect([401, 408, 429, 500, 503].some(isFinal)).toBe(false)
})

test('the hash knows content, not order', () => {
  const key = Buffer.alloc(32)
  expect(requestHash(key, {}, { a: 1, b: 2 })).toEqual(requestHash(key, {}, { b: 2, a: 1 }))
  expect(requestHash(key, {}, { a: 1 })).not.toEqual(requestHash(key, {}, { a: '1' }))
  expect(requestHash(key, { a: 1 }, {})).not.toEqual(requestHash(key, {}, { a: 1 }))
})
