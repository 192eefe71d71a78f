import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { inBatches } from './read-batches.ts'

afterEach(() => void vi.useRealTimers())

/** A database whose queries see what is committed when they begin, and end when they are told to. */
class Store {
  readonly committed = new Map<string, number>()
  readonly running: { readonly keys: readonly string[]; end(): void; fail(error: Error): void }[] = []
  queries = 0

  readonly readMany = (keys: readonly string[]): Promise<ReadonlyMap<string, number>> => {
    this.queries++
    const seen = new Map([...this.committed].filter(([key]) => keys.includes(key)))
    return new Promise((resolve, reject) => {
      this.running.push({ keys, end: () => resolve(seen), fail: reject })
    })
  }

  commit(key: string): void {
    this.committed.set(key, (this.committed.get(key) ?? 0) + 1)
  }
}

const someTurns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const key = fc.constantFrom('a', 'b', 'c')
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.constantFrom(1, 3, 20) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'end' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'fail' as const }) },
)

test('a value is never older than its question, a failure reaches its own callers, and everybody is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
      const store = new Store()
      const read = inBatches(store.readMany)
      const failed = new Map<Error, readonly string[]>()
      const asked: Promise<void>[] = []
      const ask = (name: string) => {
        const before = { version: store.committed.get(name), failures: failed.size }
        const judged = read(name).then(
          (version) => expect(version ?? 0).toBeGreaterThanOrEqual(before.version ?? 0),
          (error: Error) => {
            expect(failed.get(error)).toContain(name)
            expect([...failed.keys()].indexOf(error)).toBeGreaterThanOrEqual(before.failures)
          },
        )
        asked.push(judged)
      }
      const finish = (fails: boolean) => {
        const query = store.running.shift()
        if (query === undefined) return
        const error = new Error('this query')
        if (fails) failed.set(error, query.keys)
        if (fails) query.fail(error)
        else query.end()
      }
      for (const each of moves) {
        if (each.kind === 'ask') ask(each.key)
        else if (each.kind === 'commit') store.commit(each.key)
        else if (each.kind === 'turns') await someTurns(each.count)
        else finish(each.kind === 'fail')
      }
      for (let rest = 0; rest < 3; rest++) {
        await someTurns()
        finish(false)
      }
      await Promise.all(asked)
      expect(store.running).toEqual([])
      expect(store.queries).toBeLessThanOrEqual(asked.length)
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('what is asked for while a query runs is read by one query after it', async () => {
  const store = new Store()
  const read = inBatches(store.readMany)
  store.commit('a')
  const first = read('a')
  await someTurns()
  store.commit('a')
  const later = [read('a'), read('b'), read('a')]
  await someTurns()
  expect(store.queries).toBe(1)
  store.running.shift()?.end()
  expect(await first).toBe(1)
  await someTurns()
  expect(store.running.map(({ keys }) => keys)).toEqual([['a', 'b']])
  store.running.shift()?.end()
  expect(await Promise.all(later)).toEqual([2, undefined, 2])
})

test('a query that hangs holds back the others for a moment only', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const store = new Store()
  const read = inBatches(store.readMany)
  void read('a')
  await someTurns()
  const other = read('b')
  vi.advanceTimersByTime(49)
  await someTurns()
  expect(store.running).toHaveLength(1)
  vi.advanceTimersByTime(1)
  await someTurns()
  expect(store.running).toHaveLength(2)
  store.running[1]?.end()
  expect(await other).toBeUndefined()
})

test('questions that never cease do not keep a batch from beginning', async () => {
  const store = new Store()
  const read = inBatches(store.readMany)
  for (let turn = 0; turn < 40; turn++) {
    void read('a')
    await someTurns(1)
  }
  expect(store.running).toHaveLength(1)
})

test('a reader that throws at once fails its callers and nobody after them', async () => {
  let broken = true
  const read = inBatches((keys: readonly string[]) => {
    if (broken) throw new Error('no')
    return Promise.resolve(new Map(keys.map((each) => [each, 1])))
  })
  await expect(read('a')).rejects.toThrow('no')
  broken = false
  expect(await read('a')).toBe(1)
})
