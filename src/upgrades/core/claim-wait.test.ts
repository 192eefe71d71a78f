import { describe, expect, test } from 'vitest'
import { waitOfClaim } from './claim-wait.ts'
import type { ExecutionStatus } from './model.ts'

const told = (status: ExecutionStatus, reason: string, detail?: string) =>
  waitOfClaim({ id: 'e', status, waitingFor: { reason, until: 7, ...(detail === undefined ? {} : { detail }) } })

describe('a claimed release waits', () => {
  test('for what its execution waits for, until the same moment', () => {
    const reason = 'UPGRADE_EXECUTION'
    expect(told('IN_PROGRESS', 'BATCH_DELAY')).toEqual({
      ...{ reason, until: 7 },
      detail: 'the upgrade execution e waits for BATCH_DELAY',
    })
    expect(told('ROLLING_BACK', 'REVERTING', '1 of 3 are back')).toEqual({
      ...{ reason, until: 7 },
      detail: 'the upgrade execution e waits for REVERTING: 1 of 3 are back',
    })
  })

  test.each([
    ['PAUSED', 'PAUSED', 'resume, rollback or cancel'],
    ['PAUSED', 'APPROVAL_REQUIRED', 'resume, rollback or cancel'],
    ['CANARY_MONITORING', 'CANARY_PROMOTION', 'promote-canary, rollback or cancel'],
    ['CANARY_MONITORING', 'CANARY_FAILED', 'rollback or cancel'],
  ] as const)(
    'without a limit where that waits for a person, who is told how to end it: %s, %s',
    (status, reason, how) => {
      const { until, detail } = told(status, reason)
      expect(until).toBeNull()
      expect(detail).toBe(
        `the upgrade execution e waits for ${reason}, without a time limit: a person ends that, by ${how} of the execution`,
      )
    },
  )

  test('for one that is paused and ends, until that moment', () => {
    expect(told('PAUSED', 'CANCELLING').until).toBe(7)
  })
})
