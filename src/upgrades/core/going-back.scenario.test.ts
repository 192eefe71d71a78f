import { describe, expect, test } from 'vitest'
import type { Execution } from './model.ts'
import { advance } from './rehearsal/fleet.ts'
import { breakPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'

const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 20, batchDelaySeconds: 3600 }

test('places that come up one after another on the way back have their time each', () => {
  given({ size: 5, kind: 'ordered', present: 1, inTurn: true, faults: { readySeconds: 15 }, spec: brief })
    .until(({ stage }) => stage === 'moving')
    .when('rollback')
    .untilStatus('ROLLED_BACK')
})

test('places that are back and break again put its end off no further', () => {
  const fleet = given({ size: 4, kind: 'ordered', spec: { ...brief, maxUnavailablePercentage: 25, batchSize: 1 } })
    .until(({ instances }) => instances.some(({ status }) => status === 'COMPLETED'))
    .inCluster((world, now) => breakPod(world, 0, now))
    .when('rollback')
  const began = fleet.simulation.now
  for (let nth = 0; nth < 30 && fleet.execution.endedAt === null; nth++) {
    fleet.afterSeconds(2).inCluster((world, now) => {
      const pods = advance(world, now).pods.map((pod) => (pod.slot === 0 ? { ...pod, broken: nth % 2 === 0 } : pod))
      return { ...world, pods }
    })
  }
  fleet.until(({ endedAt }) => endedAt !== null)
  expect(fleet.simulation.now - began).toBeLessThan(60_000)
})

describe('a place that FAILED and never had a pod', () => {
  const spec = { ...brief, strategy: 'CANARY', canaryPercentage: 25, autoRollbackEnabled: true } as const
  const faults = { readySeconds: 15, unreadyBefore: [0] }
  const failed = () =>
    given({ size: 4, kind: 'ordered', present: 1, inTurn: true, faults, spec }).untilStatus('ROLLING_BACK')

  test('was not rolled back', () => {
    failed()
      .inCluster((world, now) => ({ ...advance(world, now), faults: {} }))
      .untilStatus('ROLLED_BACK')
      .thenCounts({ PENDING: 4 })
      .so(({ rollbackInfo, instances }) => {
        expect(rollbackInfo.rolledBackInstances).toEqual([])
        expect(instances.find(({ key }) => key === '3')?.message).toContain('pod-3 is not there')
      })
  })

  test('and has none at the end either says why it failed before why it is not back', () => {
    const last = ({ instances }: Execution) => instances.find(({ key }) => key === '3')
    const fleet = failed()
    const why = last(fleet.execution)?.message ?? ''
    fleet.until((execution) => last(execution)?.status === 'PENDING')
    // Another one keeps it from its turn now.
    fleet.inCluster((world, now) => ({ ...advance(world, now), faults: { neverReverts: [1] } }))
    fleet.untilStatus('FAILED').thenReason('NOT_BACK_IN_TIME')
    const message = last(fleet.execution)?.message ?? ''
    expect(message).toContain('pod-1 has to be ready first')
    expect(message.startsWith(`${why}; `)).toBe(true)
  })
})

test('a release that has no way back keeps none of the others, and says so', () => {
  const spec = { ...brief, batchSize: 1, batchDelaySeconds: 0, maxUnavailablePercentage: 25 }
  given({ size: 4, kind: 'each', spec, neverRan: ['release-0'], refusedWith: 'revision_not_found' })
    .until(({ instances }) => instances.filter(({ status }) => status === 'COMPLETED').length === 3)
    .when('rollback')
    .untilStatus('FAILED')
    .thenReason('NOT_BACK_IN_TIME')
    .thenCounts({ FAILED: 1, ROLLED_BACK: 2 })
    .so(({ instances }) => expect(instances[0]?.message).toBe('refused in the simulation'))
})

test.each(['ordered', 'nodes'] as const)('what is back when a way back is cancelled is told as back: %s', (kind) => {
  const faults = { readySeconds: 6 }
  const spec = { ...brief, batchSize: 3, maxUnavailablePercentage: 50 }
  const fleet = given({ size: 6, kind, faults, spec })
    .until(({ instances }) => instances.filter(({ status }) => status === 'COMPLETED').length === 3)
    .when('rollback')
    .untilWaiting('REVERTING')
    .afterSeconds(3)
    .when('cancel')
    .until(({ endedAt }) => endedAt !== null)
  const { instances, rollbackInfo } = fleet.execution
  const left = instances.filter(({ status }) => status !== 'PENDING')
  const away = left.filter(({ side, nextPod }) => side !== 'previous' || nextPod !== null).map(({ id }) => id)
  const back = left.map(({ id }) => id).filter((id) => !away.includes(id))
  expect(back.length).toBeGreaterThan(0)
  expect([...rollbackInfo.rolledBackInstances].sort()).toEqual([...back].sort())
  expect(left.filter(({ status }) => status === 'ROLLED_BACK').map(({ id }) => id)).toEqual(back)
})

describe('where a pod counts only after minReadySeconds, which are more than the time limit', () => {
  const spec = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 8, batchDelaySeconds: 3600 }
  /** Four of six have passed; the workload wants a pod to be ready for so long before its controller goes on. */
  const upgraded = (more: object = {}) =>
    given({ size: 6, kind: 'surging', spec: { ...spec, batchSize: 4, ...more }, room: 2 })
      .until(({ instances }) => instances.filter(({ status }) => status === 'COMPLETED').length === 4)
      .afterSeconds(20)
      .inCluster((world) => ({ ...world, minReadySeconds: 15 }))
      .when('rollback')

  test.each([{}, { maxUnavailablePercentage: 50 }, { autoRollbackEnabled: true }])(
    'each step of the way back has that time besides: %j',
    (more) => {
      const fleet = upgraded(more)
      fleet.untilStatus('ROLLED_BACK')
      expect(fleet.execution.rollbackInfo.rolledBackInstances).toHaveLength(4)
    },
  )

  test('no room is taken from those that are ready for it: the controller waits, and nothing is stuck', () => {
    const fleet = upgraded()
    fleet.fewestReady = 6
    fleet.untilStatus('ROLLED_BACK')
    expect(fleet.fewestReady).toBe(6)
  })

  test('it is told while it is waited for, and where the time is over all the same', () => {
    const fleet = upgraded().inCluster((world) => ({ ...world, faults: { neverReverts: [0, 1, 2, 3, 4, 5, 6, 7] } }))
    fleet.until(({ waitingFor }) => waitingFor?.detail?.includes('minReadySeconds') === true)
    expect(fleet.execution.waitingFor?.detail).toContain('minReadySeconds of the workload is 15')
    fleet.untilStatus('FAILED').thenReason('NOT_BACK_IN_TIME')
    expect(fleet.execution.transitions.at(-1)?.reason).toContain('minReadySeconds of the workload is 15')
  })
})

test('what came back after its time, but before the end, is told so', () => {
  const faults = { neverReverts: [0, 1, 2, 3, 4, 5] }
  const spec = { ...brief, strategy: 'ROLLING', batchSize: 2, maxUnavailablePercentage: 50 } as const
  const fleet = given({ size: 4, kind: 'ordered', faults, spec })
    .until(({ instances }) => instances.filter(({ status }) => status === 'COMPLETED').length === 2)
    .when('rollback')
    .until(({ ending }) => ending !== null)
    .inCluster((world, now) => ({ ...advance(world, now), faults: {} }))
    .untilStatus('FAILED')
    .thenReason('NOT_BACK_IN_TIME')
    .thenCounts({ PENDING: 2, ROLLED_BACK: 2 })
  expect(fleet.execution.frozen).toBe(false)
  expect(fleet.execution.transitions.at(-1)?.reason).toBe(
    'NOT_BACK_IN_TIME: 2 instances are not back; by the end all are, too late',
  )
})
