import { expect, test } from 'vitest'
import { probePod } from './probe.ts'
import { VirtualClock } from './testing/virtual-clock.ts'
import type { Transport } from './transport.ts'

type Given = readonly [status: number, body: unknown]

async function* bytes(body: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/** What a probe makes of these answers, the last of which repeats, and how often it asked. */
async function probed(...answers: readonly [Given, ...Given[]]) {
  const clock = new VirtualClock()
  let asked = 0
  const transport: Transport = async () => {
    const [status, body] = answers[Math.min(asked++, answers.length - 1)] ?? answers[0]
    return { status, headers: {}, body: bytes(body) }
  }
  const probing = probePod(transport, clock, { namespace: 'n', name: 'p', port: 80, path: '/' })
  while (await clock.step());
  return { status: await probing, asked }
}

const status = (code: number, reason: string, message = 'not well'): Given => [
  code,
  { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
]

test.each([
  ['good', [200, 'ok'] as Given, 200],
  ['bad', [500, 'broken'] as Given, 500],
  ['busy', [429, { error: 'slow down' }] as Given, 429],
  ['what a pod that cannot be reached has', status(503, 'ServiceUnavailable', 'error trying to reach service: x'), 503],
  ['that there is no such pod', status(404, 'NotFound'), 404],
])('an answer of the pod, %s, is the answer', async (_, given, code) => {
  expect(await probed(given)).toEqual({ status: code, asked: 1 })
})

test.each([status(429, 'TooManyRequests'), status(500, 'InternalError'), status(503, 'ServiceUnavailable')])(
  'a failure of the API server itself (%i) is asked past',
  async (...given) => {
    expect(await probed(given, given, [200, 'ok'])).toEqual({ status: 200, asked: 3 })
  },
)

test('one that goes on is no answer of the pod', async () => {
  expect(await probed(status(500, 'InternalError'))).toEqual({ status: 'unasked', asked: 4 })
})
