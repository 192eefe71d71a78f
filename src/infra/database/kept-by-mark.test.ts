import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keptByMark } from './kept-by-mark.ts'

type Row = { readonly mark: string; readonly text: string }

/** A table in which every write gives its row a mark of its own, and that counts what is read. */
function table(now = { ms: 0 }) {
  const rows = new Map<string, Row>()
  const read: string[] = []
  let writes = 0
  const pick = (keys: readonly string[]) => new Map([...rows].filter(([key]) => keys.includes(key)))
  const readMany = keptByMark<string, Row>({
    marks: async (keys) => new Map([...pick(keys)].map(([key, row]) => [key, row.mark])),
    values: async (keys) => {
      read.push(...keys)
      return pick(keys)
    },
    weigh: (row) => row.text.length,
    clock: { now: () => now.ms },
  })
  const write = (key: string, text: string) => rows.set(key, { mark: String(writes++), text })
  return { rows, read, readMany, write, now }
}

const key = fc.constantFrom('a', 'b', 'c')
const move = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), keys: fc.uniqueArray(key) }),
  fc.record({ kind: fc.constant('write' as const), key, text: fc.string() }),
  fc.record({ kind: fc.constant('remove' as const), key }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: -10_000, max: 10_000 }) }),
)

test('what is answered is what is in the table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
      const { rows, readMany, write, now } = table()
      for (const each of moves) {
        if (each.kind === 'write') write(each.key, each.text)
        else if (each.kind === 'remove') rows.delete(each.key)
        else if (each.kind === 'time') now.ms += each.ms
        else {
          const names: readonly string[] = each.keys
          const expected = [...rows].filter(([name]) => names.includes(name)).sort()
          expect([...(await readMany(each.keys))].sort()).toEqual(expected)
        }
      }
    }),
  )
})

test('a value is read again when its row was written, when some time has passed, and not otherwise', async () => {
  const { readMany, write, read, now } = table()
  write('a', '1')
  write('b', '1')
  for (let times = 0; times < 3; times++) await readMany(['a', 'b'])
  expect(read).toEqual(['a', 'b'])
  write('b', '2')
  await readMany(['a', 'b'])
  expect(read).toEqual(['a', 'b', 'b'])
  now.ms += 5_000
  await readMany(['a'])
  expect(read).toEqual(['a', 'b', 'b', 'a'])
})

test('what cannot be read is not kept', async () => {
  let broken = true
  const readMany = keptByMark<string, Row>({
    marks: async () => new Map([['a', '1']]),
    values: async () => {
      if (broken) throw new Error('no')
      return new Map([['a', { mark: '1', text: 'x' }]])
    },
    weigh: () => 1,
    clock: { now: () => 0 },
  })
  await expect(readMany(['a'])).rejects.toThrow('no')
  broken = false
  expect(await readMany(['a'])).toEqual(new Map([['a', { mark: '1', text: 'x' }]]))
})
