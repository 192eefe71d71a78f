import { expect, test } from 'vitest'
import { SingleFlight } from './single-flight.ts'

test('work is done once at a time, and again after it has failed', async () => {
  const flight = new SingleFlight<number>()
  let runs = 0
  const work = () => Promise.resolve(++runs)
  expect(await Promise.all([flight.run('a', work), flight.run('a', work), flight.run('b', work)])).toEqual([1, 1, 2])
  await expect(flight.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await flight.run('a', work)).toBe(3)
})
