import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'
import { type Outcome, WorkQueue } from './work-queue.ts'

function queueOf(handle: (key: string) => Outcome) {
  const clock = new VirtualClock()
  const handled: string[] = []
  const errors: unknown[] = []
  const queue = new WorkQueue(
    clock,
    (key) => {
      handled.push(key)
      return handle(key)
    },
    (_, error) => errors.push(error),
  )
  return { clock, handled, errors, queue }
}

describe('a work queue', () => {
  it('handles a key once, however often it was added', () => {
    const { clock, handled, queue } = queueOf(() => ({}))
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    clock.advance(1000)
    expect(handled).toEqual(['a', 'b'])
    expect(clock.waiting).toBe(0)
  })

  it('handles a key again that was added while it was handled', () => {
    let again = true
    const { clock, handled, queue } = queueOf((key) => {
      if (again) queue.add(key)
      again = false
      return {}
    })
    queue.add('a')
    clock.advance(0)
    expect(handled).toEqual(['a', 'a'])
  })

  it('wakes a key when its last handling asked for it, and only then', () => {
    const delays = [100, 50, undefined]
    const { clock, handled, queue } = queueOf(() => ({ requeueAfterMs: delays.shift() }))
    queue.add('a')
    clock.advance(10)
    queue.add('a')
    clock.advance(49)
    expect(handled).toHaveLength(2)
    clock.advance(1)
    expect(handled).toHaveLength(3)
    clock.advance(1000)
    expect(handled).toHaveLength(3)
  })

  it('never asks a timer for more than it can hold', () => {
    const { clock, handled, queue } = queueOf(() => ({ requeueAfterMs: 2e12 }))
    queue.add('a')
    clock.advance(2 ** 31)
    expect(handled).toHaveLength(2)
  })

  it('tries again with a growing delay what throws', () => {
    let failures = 3
    const { clock, handled, errors, queue } = queueOf(() => {
      if (failures-- > 0) throw new Error('no')
      return {}
    })
    queue.add('a')
    clock.advance(99)
    expect(handled).toHaveLength(1)
    clock.advance(1000)
    expect([handled.length, errors.length, clock.waiting]).toEqual([4, 3, 0])
  })

  it('handles nothing after it was stopped', () => {
    const { clock, handled, queue } = queueOf(() => ({ requeueAfterMs: 10 }))
    queue.add('a')
    clock.advance(0)
    queue.stop()
    queue.add('b')
    clock.advance(100)
    expect(handled).toEqual(['a'])
  })
})
