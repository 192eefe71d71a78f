import { expect, it } from 'vitest'
import { freeSlots, poolsOf } from '../infra/engine/slots.ts'
import { slotsFor } from './work.ts'

it.each([1, 5, 100])('%i clusters are all followed at the same time, and a further one can still be', (clusters) => {
  const pools = poolsOf(
    ['release', 'cluster', 'batch', 'execution'],
    { concurrency: 8, mostOfShare: 4 },
    slotsFor(clusters),
  )
  const pool = pools.find(({ kinds }) => kinds.includes('cluster'))
  expect(pool?.kinds).toEqual(['cluster'])
  const followed = Array.from({ length: clusters }, () => 'cluster' as const)
  expect(pool && freeSlots(pool, followed)).toBeGreaterThan(0)
})
