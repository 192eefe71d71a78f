import { expect, test } from 'vitest'
import type { ClusterClient, RequestOptions } from './types.ts'
import { firstUnserved } from './unserved.ts'

const of = (group: string, ...kinds: readonly string[]) => kinds.map((kind) => ({ apiVersion: `${group}/v1`, kind }))
const running = new AbortController().signal
const waitsForEver = { now: () => 0, sleep: () => new Promise<void>(() => {}) }

/** A cluster that knows As and Bs of every group, and what it was asked. */
function cluster() {
  const asked: string[] = []
  const text = async (path: string) => {
    asked.push(path)
    return JSON.stringify({ resources: ['A', 'B'].map((kind) => ({ name: kind.toLowerCase(), kind })) })
  }
  return { asked, client: { text } as unknown as ClusterClient }
}

/** One that answers nothing. */
const silent = {
  text: (_path: string, { signal }: RequestOptions) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
} as unknown as ClusterClient

test('the first kind that is not known is found, and each group is asked for once', async () => {
  const { asked, client } = cluster()
  const kinds = [...of('x', 'A', 'B'), ...of('y', 'B', 'C', 'D')]
  expect(await firstUnserved({ client, clock: waitsForEver }, kinds, running)).toEqual(kinds[3])
  expect(await firstUnserved({ client, clock: waitsForEver }, of('x', 'A', 'B'), running)).toBeNull()
  expect(asked).toEqual(['/apis/x/v1', '/apis/y/v1', '/apis/x/v1'])
})

test('a cluster that does not answer has ten seconds for all of them', async () => {
  const slept: number[] = []
  const clock = { now: () => 0, sleep: async (ms: number) => void slept.push(ms) }
  await expect(firstUnserved({ client: silent, clock }, of('x', 'A', 'B'), running)).rejects.toThrow('within 10 s')
  expect(slept).toEqual([10_000])
})

test('an act that ends ends it', async () => {
  const act = new AbortController()
  const asking = firstUnserved({ client: silent, clock: waitsForEver }, of('x', 'A'), act.signal)
  act.abort(new Error('the act is over'))
  await expect(asking).rejects.toThrow('the act is over')
})
