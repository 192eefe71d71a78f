import { describe, expect, test } from 'vitest'
import { given } from './testing/scenario.ts'

// Another workload of the release has its time as long as it moves.

const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 6, batchDelaySeconds: 0 }
const moving = { pods: 5, secondsEach: 4 }

describe('another workload that takes longer as a whole than an instance may', () => {
  test.each(['surging', 'ordered', 'nodes'] as const)('is waited for while it moves: %s', (kind) => {
    given({ size: 2, kind, spec: brief, other: moving }).untilWaiting('OTHER_WORKLOADS').untilStatus('COMPLETED')
  })

  test('is not waited for any longer once it has not moved for the time of an instance', () => {
    const fleet = given({ size: 2, spec: { ...brief, autoRollbackEnabled: true }, other: { ...moving, stuckAt: 3 } })
    fleet.untilWaiting('OTHER_WORKLOADS')
    const begun = fleet.simulation.now
    fleet.untilStatus('ROLLING_BACK').thenReason('NOT_SETTLED_IN_TIME')
    const took = (fleet.simulation.now - begun) / 1000
    expect([took >= 3 * 4 + 6, took <= 3 * 4 + 6 + 4]).toEqual([true, true])
    // The way back is waited for in the same way: all of it has moved.
    const others = () => {
      const seen = fleet.simulation.observe()
      return seen.kind === 'seen' && seen.fleet?.kind === 'present' ? seen.fleet.others : null
    }
    fleet.untilStatus('ROLLED_BACK').so(() => expect(others()?.settled).toBe(true))
  })

  test('has its whole time again after a pause', () => {
    const fleet = given({ size: 2, spec: brief, other: { pods: 1, secondsEach: 5 } }).untilWaiting('OTHER_WORKLOADS')
    fleet.when('pause').afterSeconds(3).when('resume').untilStatus('COMPLETED')
    const late = given({ size: 2, spec: brief, other: { pods: 1, secondsEach: 60 } }).untilWaiting('OTHER_WORKLOADS')
    late.when('pause').afterSeconds(56).when('resume').untilStatus('COMPLETED')
  })
})
