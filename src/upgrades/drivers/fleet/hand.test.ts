import { expect, test } from 'vitest'
import { ActAborted, type Lease, LeaseLost } from '../../../infra/engine/index.ts'
import { ClusterError } from '../../../infra/kubernetes/index.ts'
import { acting, Hand } from './hand.ts'

const leaseWith = (remaining: number): Lease => ({
  subject: { kind: 'execution', id: '00000000-0000-4000-8000-000000000001' },
  epoch: 1n,
  signal: new AbortController().signal,
  remainingMs: () => remaining,
})

test('a write under way ends with the deadline of its act, and no other is begun', async () => {
  const deadline = new AbortController()
  const hand = new Hand({ lease: leaseWith(1000), signal: deadline.signal })
  const asked: AbortSignal[] = []
  const write = () => hand.write(async ({ signal }) => void asked.push(signal))
  await write()
  const passed = new ActAborted('deadline')
  deadline.abort(passed)
  expect(asked.map(({ reason }) => reason)).toEqual([passed])
  await expect(write()).rejects.toBe(passed)
  expect(asked).toHaveLength(1)
})

test('nothing is written under a lease that is over', async () => {
  const hand = new Hand({ lease: leaseWith(0), signal: new AbortController().signal })
  await expect(hand.write(async () => 'written')).rejects.toThrow(LeaseLost)
})

test.each([
  [429, 'TooManyRequests', 'cluster_unavailable'],
  [500, 'InternalError', 'cluster_unavailable'],
  [403, 'Forbidden', 'forbidden'],
  [422, 'Invalid', 'refused'],
] as const)('an answer of %i is told for what it is: its own failure, or a refusal', async (status, reason, code) => {
  const held = { lease: leaseWith(1000), signal: new AbortController().signal }
  const act = acting(held, (hand) =>
    hand.write(() => Promise.reject(new ClusterError({ status, reason, message: 'secret' }))),
  )
  await expect(act).rejects.toMatchObject({ result: 'unchanged', failure: { code } })
})
