import { expect, test } from 'vitest'
import { bearerToken } from './auth.ts'
import { jsonDepth } from './body.ts'
import { formatEvent, wantsEventStream } from './event-stream.ts'
import { isAllowedHost } from './hosts.ts'
import { toProblem } from './problem-json.ts'
import type { Route } from './route.ts'
import { Streams } from './streams.ts'
import { methodsOf } from './unmatched.ts'
import { pointer } from './validate.ts'
import { prefersAsync } from './waiting.ts'

test.each<[string | undefined, boolean]>([
  ['localhost', true],
  ['LOCALHOST:8084', true],
  ['127.0.0.1:1', true],
  ['[::1]:8084', true],
  ['fleet.example:443', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['localhost:8084@evil.example', false],
  ['evil.example', false],
  ['', false],
  [undefined, false],
])('Host %s: %s', (host, allowed) => {
  expect(isAllowedHost(host, 'Fleet.example')).toBe(allowed)
})

test.each<[string | undefined, string | null]>([
  ['Bearer abc', 'abc'],
  ['bearer  abc', 'abc'],
  ['Bearer a b', null],
  ['Bearer ', null],
  ['Basic abc', null],
  [undefined, null],
])('Authorization %s: %s', (header, token) => {
  expect(bearerToken(header)).toBe(token)
})

test.each<[string | string[] | undefined, boolean]>([
  ['respond-async', true],
  ['return=minimal, Respond-Async; wait=5', true],
  [['return=minimal', 'respond-async'], true],
  ['respond-asynchronously', false],
  ['wait=10', false],
  [undefined, false],
])('Prefer %s: %s', (prefer, expected) => {
  expect(prefersAsync(prefer)).toBe(expected)
})

test('pointers are RFC 6901 in bodies', () => {
  expect(pointer('body', ['a/b', 0, 'c~d'])).toBe('/a~1b/0/c~0d')
  expect(pointer('body', [])).toBe('')
  expect(pointer('query', ['limit'])).toBe('query/limit')
})

test('depth counts brackets outside text only', () => {
  expect(jsonDepth('{"a":[{"b":"[[[\\"[["}]}', 100)).toBe(3)
  expect(jsonDepth('['.repeat(1000), 10)).toBe(11)
})

test('a server-sent event cannot forge fields', () => {
  const text = formatEvent({ id: '7\nevent: x', event: 'a\r\nb', data: { text: 'line\nline' } })
  expect(text).toBe('id: 7event: x\nevent: ab\ndata: {"text":"line\\nline"}\n\n')
  expect([wantsEventStream('text/event-stream'), wantsEventStream('*/*'), wantsEventStream(undefined)]).toEqual([
    true,
    false,
    false,
  ])
})

test('a path knows its methods', () => {
  const routes = [
    { method: 'GET', url: '/a/:id' },
    { method: 'DELETE', url: '/a/:id' },
    { method: 'POST', url: '/a' },
  ] as unknown as Route[]
  expect(methodsOf(routes, '/a/7')).toEqual(['DELETE', 'GET'])
  expect(methodsOf(routes, '/a')).toEqual(['POST'])
  expect(methodsOf(routes, '/a/')).toEqual([])
  expect(methodsOf(routes, '/a/7/b')).toEqual([])
})

test('a caller has twenty streams and gets a place back', () => {
  const streams = new Streams()
  const places = Array.from({ length: 20 }, () => streams.take('a'))
  expect(() => streams.take('a')).toThrow(expect.objectContaining({ code: 'too_many_requests' }))
  streams.take('b')
  places[0]?.()
  streams.take('a')
})

test.each<[string, object, string]>([
  ['a database that is away', { code: 'ECONNREFUSED' }, 'unavailable'],
  ['a database that stops', { code: '57P01' }, 'unavailable'],
  ['a database whose socket is not there', { code: 'ENOENT', syscall: 'connect' }, 'unavailable'],
  ['a file that is not there', { code: 'ENOENT', syscall: 'open' }, 'internal'],
  ['a database whose disk is full', { code: '53100' }, 'unavailable'],
  ['a database that takes no writes', { code: '25006' }, 'unavailable'],
  ['a commit whose answer was lost', { name: 'CommitUnknown' }, 'unavailable'],
  ['a broken constraint', { code: '23505' }, 'internal'],
  ["another library's status", { statusCode: 404 }, 'internal'],
  ["the framework's status", { statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' }, 'unsupported_media_type'],
  ["the framework's fault", { statusCode: 500, code: 'FST_ERR_SEND_INSIDE_ONERR' }, 'internal'],
])('%s', (_, fields, code) => {
  const problem = toProblem(Object.assign(new Error('secret'), fields), 'id')
  expect(problem.code).toBe(code)
  expect(problem.message).not.toContain('secret')
})
