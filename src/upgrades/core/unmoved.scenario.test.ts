import { describe, expect, test } from 'vitest'
import { breakPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'

describe('a batch of which nothing was let go', () => {
  const staged = { strategy: 'STAGED', batchSize: 2 } as const

  test('asks for no approval: paused and resumed while it was chosen', () => {
    given({ size: 8, room: 0, spec: staged })
      .untilWaiting('DRAINING')
      .when('pause')
      .when('resume')
      .untilStatus('PAUSED')
      .thenCounts({ COMPLETED: 2, PENDING: 6 })
      .so(({ currentBatch, statusReason }) => expect([currentBatch, statusReason]).toEqual([1, 'APPROVAL_REQUIRED']))
  })

  test.each(['STAGED', 'ROLLING'] as const)('waits for the budget once others have used it up: %s', (strategy) => {
    const scenario = given({ size: 8, kind: 'ordered', spec: { ...staged, strategy } })
      .untilWaiting('DRAINING')
      .inCluster((world, now) => breakPod(breakPod(world, 0, now), 1, now))
      .untilWaiting('BUDGET_USED_UP')
      .afterSeconds(200)
      .thenCounts({ PENDING: 8 })
    const { status, currentBatch, approvals, waitingFor } = scenario.execution
    expect([status, currentBatch, approvals, waitingFor?.reason]).toEqual(['IN_PROGRESS', 0, [], 'BUDGET_USED_UP'])
    expect(scenario.simulation.events.filter(({ type }) => type === 'execution.batch-started')).toHaveLength(1)
  })

  test('goes on at once when the budget is there again, and counts on from the batch before', () => {
    given({ size: 8, room: 0, spec: staged })
      .untilStatus('PAUSED')
      .when('resume')
      .untilWaiting('DRAINING')
      .when('pause')
      .when('resume')
      .untilStatus('PAUSED')
      .thenCounts({ COMPLETED: 4, PENDING: 4 })
      .so(({ currentBatch, approvals }) => expect([currentBatch, approvals.length]).toEqual([2, 1]))
  })
})
