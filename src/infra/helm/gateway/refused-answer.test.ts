import { expect, test } from 'vitest'
import type { ClusterEndpoint } from '../types.ts'
import { GatewayAttempt } from './attempt.ts'
import { refusedAnswer } from './refused-answer.ts'

const gadget = '/apis/example.test/v1/namespaces/ns/gadgets/one'
const status = (message: string): Buffer => Buffer.from(JSON.stringify({ kind: 'Status', message }))

test('what was refused, of which object, and why', () => {
  expect(refusedAnswer('DELETE', `${gadget}?dryRun=All`, 403, status('no right'))).toEqual({
    method: 'DELETE',
    object: 'gadgets.example.test "one" in the namespace "ns"',
    status: 403,
    message: 'no right',
  })
  expect(refusedAnswer('POST', '/api/v1/namespaces/ns/pods', 404, status('no namespace'))).toMatchObject({
    object: 'pods in the namespace "ns"',
    status: 404,
  })
  expect(refusedAnswer('DELETE', '/api/v1/persistentvolumes/v', 409, status(''))?.object).toBe(
    'persistentvolumes "v" of the cluster',
  )
})

test('what is no refusal is none', () => {
  expect(refusedAnswer('DELETE', gadget, 200, status('fine'))).toBeNull()
  expect(refusedAnswer('GET', gadget, 404, status('not found'))).toBeNull()
  expect(refusedAnswer('DELETE', gadget, 404, status('not found'))).toBeNull()
  expect(refusedAnswer('DELETE', gadget, 429, status('too many requests'))).toBeNull()
  expect(refusedAnswer('GET', '/apis', 403, status('no'))).toBeNull()
})

test('values that the API server quotes are hidden; a message that is no JSON, or very long, is left out', () => {
  const told = (body: Buffer) => refusedAnswer('PATCH', gadget, 422, body)?.message
  expect(told(status('spec.x: Invalid value: "CANARY": must be'))).toBe('spec.x: Invalid value: ***: must be')
  expect(told(Buffer.from('k8s\0\n'))).toBeNull()
  expect(told(status('x'.repeat(1001)))).toBeNull()
})

test('of a run the last ten are kept, and what was asked again once', () => {
  const lease = { signal: new AbortController().signal, remainingMs: () => 1 }
  const cluster = { server: new URL('https://cluster') } as ClusterEndpoint
  const attempt = new GatewayAttempt({ cluster, lease, room: { namespace: 'ns', release: 'web', granted: [] } })
  const refuse = (name: number) =>
    attempt.noteRefusedAnswer({ method: 'DELETE', object: `pods "${name}"`, status: 403, message: null })
  for (const name of [0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10]) refuse(name)
  expect(attempt.refusedAnswers().map(({ object }) => object)).toEqual(
    [0, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((name) => `pods "${name}"`),
  )
})
