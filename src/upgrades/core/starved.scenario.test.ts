import { describe, expect, test } from 'vitest'
import type { Execution } from './model.ts'
import { advance } from './rehearsal/fleet.ts'
import type { World } from './rehearsal/world.ts'
import { breakPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

// Instances that Flotilla did not touch use up the budget: that is waited for as long as for an instance, and then it ends.

const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 20, batchDelaySeconds: 0 }
const lowest: Setup = { size: 5, kind: 'ordered', spec: brief, faults: { unreadyBefore: [0, 1] } }

/** The pods that were there before anything was touched are all ready. */
function healed(stored: World, now: number): World {
  const world = advance(stored, now)
  const pods = world.pods.map((pod) => ({ ...pod, broken: false }))
  return { ...world, pods, faults: { ...world.faults, unreadyBefore: [] } }
}

const secondsLeft = ({ waitingFor }: Execution, now: number) => Math.round(((waitingFor?.until ?? 0) - now) / 1000)

describe('a budget that unready instances use up', () => {
  test('is waited for until then, and then it is FAILED and names them', () => {
    const fleet = given(lowest).untilWaiting('BUDGET_USED_UP')
    expect(secondsLeft(fleet.execution, fleet.simulation.now)).toBe(20)
    const until = fleet.execution.waitingFor?.until
    fleet.afterSeconds(10).so(({ waitingFor }) => expect(waitingFor?.until).toBe(until))
    fleet.untilStatus('FAILED').thenReason('UNREADY_INSTANCES_USE_UP_THE_BUDGET')
    expect(fleet.simulation.now).toBeLessThanOrEqual((until ?? 0) + 5_000)
    expect(fleet.execution.transitions.at(-1)?.reason).toBe(
      'UNREADY_INSTANCES_USE_UP_THE_BUDGET: not ready: pod-0-0, pod-1-1',
    )
  })

  test('with auto-rollback it goes back', () => {
    given({ ...lowest, spec: { ...brief, autoRollbackEnabled: true } })
      .untilStatus('ROLLING_BACK')
      .thenReason('UNREADY_INSTANCES_USE_UP_THE_BUDGET')
      .inCluster(healed)
      .untilStatus('ROLLED_BACK')
  })

  test.each(['CANARY', 'STAGED'] as const)('in %s too', (strategy) => {
    given({ ...lowest, spec: { ...brief, strategy } })
      .untilStatus('FAILED')
      .thenReason('UNREADY_INSTANCES_USE_UP_THE_BUDGET')
  })

  test('in the middle of an upgrade, where others break meanwhile', () => {
    given({ size: 10, kind: 'ordered', spec: { ...brief, batchSize: 2 } })
      .untilBatch(3)
      .inCluster((world, now) => breakPod(breakPod(world, 0, now), 1, now))
      .untilStatus('FAILED')
      .thenReason('UNREADY_INSTANCES_USE_UP_THE_BUDGET')
      .so(({ frozen }) => expect(frozen).toBe(true))
  })

  test('that is there again is used, and the time is forgotten', () => {
    const fleet = given(lowest).untilWaiting('BUDGET_USED_UP').afterSeconds(15)
    fleet.inCluster(healed).untilBatch(1)
    fleet.inCluster((world, now) => breakPod(breakPod(world, 0, now), 1, now)).untilWaiting('BUDGET_USED_UP')
    expect(secondsLeft(fleet.execution, fleet.simulation.now)).toBe(20)
    fleet.inCluster(healed).untilStatus('COMPLETED')
  })

  test('begins anew with the resume after a pause', () => {
    const fleet = given(lowest).untilWaiting('BUDGET_USED_UP').afterSeconds(15)
    fleet.when('pause').afterSeconds(60).when('resume').untilWaiting('BUDGET_USED_UP')
    expect(secondsLeft(fleet.execution, fleet.simulation.now)).toBe(20)
  })

  test('begins anew also where nobody looked between pause and resume', () => {
    const fleet = given(lowest).untilWaiting('BUDGET_USED_UP').afterSeconds(15).when('pause').when('resume')
    fleet.untilWaiting('BUDGET_USED_UP')
    expect(secondsLeft(fleet.execution, fleet.simulation.now)).toBe(20)
  })

  test('does not run out while the cluster cannot be read', () => {
    const fleet = given(lowest).untilWaiting('BUDGET_USED_UP')
    for (let looks = 0; looks < 30; looks++) fleet.next('done', 'blind')
    fleet.inCluster(healed).untilStatus('COMPLETED')
  })
})
