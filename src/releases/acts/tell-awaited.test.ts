import { expect, test } from 'vitest'
import { VirtualClock } from '../../infra/kubernetes/testing/virtual-clock.ts'
import { nameOfHook } from './hook-names.ts'
import { tellAwaited } from './tell-awaited.ts'

/** What is read, one after another; an `Error` is thrown. */
function telling(reads: readonly (string | null | Error)[], refuse: readonly number[] = []) {
  const clock = new VirtualClock()
  const left = [...reads]
  const told: (string | null)[] = []
  let writes = 0
  const read = async () => {
    const next = left.length > 1 ? left.shift() : left[0]
    if (next instanceof Error) throw next
    return next ?? null
  }
  const tell = async (awaited: string | null) => {
    if (refuse.includes(writes++)) throw new Error('the database is away')
    told.push(awaited)
  }
  return { clock, told, ...tellAwaited({ clock, read, tell }) }
}

test('each thing that is waited for is told once, and what was told last is taken back', async () => {
  const { clock, told, end } = telling([null, 'a', 'a', new Error('the cluster is away'), 'b'])
  for (let step = 0; step < 8; step++) await clock.step()
  expect(told).toEqual(['a', 'b'])
  await end()
  expect(told).toEqual(['a', 'b', null])
  expect(await clock.step()).toBe(false)
})

test('what ends soon tells nothing', async () => {
  const { told, end } = telling(['a'])
  await end()
  expect(told).toEqual([])
})

test('what could not be told is tried again', async () => {
  const { clock, told, end } = telling(['a'], [0])
  for (let step = 0; step < 3; step++) await clock.step()
  expect(told).toEqual(['a'])
  await end()
})

test('a read that hangs holds up no end', async () => {
  const clock = new VirtualClock()
  const told: (string | null)[] = []
  const { end } = tellAwaited({ clock, read: () => new Promise(() => {}), tell: async (one) => void told.push(one) })
  await clock.step()
  await end()
  expect(told).toEqual([])
})

test('a hook is named with those of its events that the act runs', () => {
  const hook = {
    kind: 'Job',
    name: 'app-migrate',
    events: ['pre-install', 'pre-upgrade', 'post-upgrade'],
    failed: false,
  }
  expect(nameOfHook(hook, /\b(?:pre|post)-upgrade\b/)).toBe('Job app-migrate (pre-upgrade or post-upgrade)')
  expect(nameOfHook({ ...hook, events: ['deleted'] }, /\b(?:pre|post)-upgrade\b/)).toBe('Job app-migrate')
})
