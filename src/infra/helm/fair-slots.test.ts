import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FairSlots } from './fair-slots.ts'

/** Enters, and writes down when the turn has come. */
function entering(slots: FairSlots, began: string[]) {
  return (share: string) => {
    void slots.enter(share).then(() => began.push(share))
  }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('FairSlots', () => {
  test('goes round the shares, however many of one stand before another', async () => {
    const slots = new FairSlots(1, 1)
    const began: string[] = []
    for (const share of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) entering(slots, began)(share)
    for (let ended = 0; ended < 7; ended++) {
      await settled()
      slots.leave(began[ended] ?? '')
    }
    expect(began).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a'])
  })

  test('leaves slots to others, whatever one share wants', async () => {
    const slots = new FairSlots(4, 2)
    const began: string[] = []
    for (const share of ['a', 'a', 'a', 'b']) entering(slots, began)(share)
    await settled()
    expect(began).toEqual(['a', 'a', 'b'])
    slots.leave('b')
    await settled()
    expect(began).toEqual(['a', 'a', 'b'])
    slots.leave('a')
    await settled()
    expect(began).toEqual(['a', 'a', 'b', 'a'])
  })

  test('keeps both limits, and everybody gets a turn', async () => {
    const steps = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.nat(9)), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        steps,
        async (most, each, given) => {
          const slots = new FairSlots(most, each)
          const began: string[] = []
          const running: string[] = []
          const look = async () => {
            await settled()
            running.push(...began.splice(0))
            expect(running.length).toBeLessThanOrEqual(most)
            for (const share of running) expect(running.filter((one) => one === share).length).toBeLessThanOrEqual(each)
          }
          let entered = 0
          let left = 0
          const leave = (at: number) => {
            const [share] = running.splice(at % Math.max(1, running.length), 1)
            if (share === undefined) return
            left += 1
            slots.leave(share)
          }
          for (const step of given) {
            if (typeof step === 'number') leave(step)
            else {
              entered += 1
              entering(slots, began)(step)
            }
            await look()
          }
          while (running.length > 0) {
            leave(0)
            await look()
          }
          expect(left).toBe(entered)
        },
      ),
      { numRuns: 200 },
    )
  })
})
