import { describe, expect, test } from 'vitest'
import type { World } from './rehearsal/world.ts'
import { given } from './testing/scenario.ts'

/** SPEC section 5, "Safety" and "Answers", a sentence a test. */
const auto = { autoRollbackEnabled: true } as const
const index = (n: number) => n

describe('what may be unavailable', () => {
  test('with room, ready never falls below the total, also with one replica', () => {
    const ten = given({ size: 10 }).untilStatus('COMPLETED')
    expect(ten.fewestReady).toBe(10)
    const one = given({ size: 1 }).untilStatus('COMPLETED')
    expect(one.fewestReady).toBe(1)
  })

  test('without room never more than the budget is unavailable', () => {
    const scenario = given({ size: 10, room: 0 }).untilStatus('COMPLETED').thenGates(2, 4, 6, 8, 10)
    expect(scenario.fewestReady).toBe(8)
  })

  test.each(['ordered', 'nodes', 'each'] as const)('nor in a fleet that cannot surge: %s', (kind) => {
    expect(given({ size: 10, kind }).untilStatus('COMPLETED').fewestReady).toBe(8)
  })

  test('RECREATE takes all at once', () => {
    const scenario = given({ size: 10, spec: { strategy: 'RECREATE' } })
      .untilStatus('COMPLETED')
      .thenGates(10)
    expect(scenario.fewestReady).toBe(0)
  })

  test('those that are unready already are taken first, and cost nothing', () => {
    given({ size: 10, room: 0, faults: { unreadyBefore: [7, 8] } })
      .untilBatch(1)
      .so(({ instances }) => {
        const chosen = instances.filter(({ status }) => status === 'DRAINING').map(({ index: at }) => index(at))
        expect(chosen).toEqual([7, 8])
      })
      .untilStatus('COMPLETED')
      .thenGates(2, 4, 6, 8, 10)
  })

  test('a batch larger than the room moves in parts', () => {
    const scenario = given({ size: 10, room: 2 }).untilStatus('COMPLETED')
    expect(scenario.execution.currentBatch).toBe(2)
    expect(scenario.fewestReady).toBe(10)
    scenario.thenGates(2, 4, 5, 7, 9, 10)
  })

  test('an ordered fleet whose lowest is broken waits, says for whom, and can be cancelled', () => {
    given({ size: 3, kind: 'ordered', faults: { unreadyBefore: [0] } })
      .untilWaiting('BUDGET_USED_UP')
      .so(({ waitingFor }) => expect(waitingFor?.detail).toContain('pod-0'))
      .when('cancel')
      .untilStatus('CANCELLED')
  })
})

describe('failures', () => {
  test('two of ten use up the budget before a threshold of three', () => {
    given({ faults: { neverReady: [0, 1, 2, 3, 4] } })
      .untilStatus('FAILED')
      .thenReason('FAILURE_THRESHOLD_REACHED')
    given({ faults: { neverReady: [0, 1] } })
      .untilStatus('FAILED')
      .thenReason('FAILURES_USE_UP_THE_BUDGET')
  })

  test('below it the upgrade goes on, and is FAILED in the end', () => {
    given({ faults: { neverReady: [0] } })
      .untilStatus('FAILED')
      .thenReason('INSTANCES_FAILED')
      .thenCounts({ COMPLETED: 9, FAILED: 1 })
      .so(({ frozen }) => expect(frozen).toBe(true))
  })

  test('with auto-rollback everything goes back', () => {
    given({ spec: auto, faults: { neverReady: [0, 1] } })
      .untilStatus('ROLLED_BACK')
      .thenSteps('VALIDATING', 'IN_PROGRESS', 'ROLLING_BACK', 'ROLLED_BACK')
      .thenOnTarget(0)
      .so(({ rollbackInfo, instances }) => {
        expect(rollbackInfo).toMatchObject({ currentFailures: 2, rollbackInitiatedBy: 'flotilla' })
        const back = instances.filter(({ status }) => status === 'ROLLED_BACK').map(({ id }) => id)
        expect([...rollbackInfo.rolledBackInstances].sort()).toEqual([...back].sort())
      })
  })

  test('what failed says why also when it is back, and so does the step that turned it round', () => {
    const never = 'it never becomes ready in the rehearsal'
    given({ spec: { ...auto, failureThreshold: 1 }, faults: { neverReady: [3] } })
      .untilStatus('ROLLED_BACK')
      .so(({ instances, transitions, rollbackInfo }) => {
        const failed = instances.filter(({ message }) => message !== null)
        expect(failed).toMatchObject([{ index: 3, status: 'ROLLED_BACK', message: never }])
        const turned = transitions.find(({ to }) => to === 'ROLLING_BACK')?.reason
        expect(turned).toMatch(/^FAILURE_THRESHOLD_REACHED: 1 failed of 10, first instance 3 \(pod-3-\d+\): /)
        expect(turned).toContain(never)
        expect(rollbackInfo.rollbackReason).toBe(turned)
      })
  })

  test('the end names the first that failed, and why', () => {
    given({ size: 4, room: 0, faults: { neverDrains: [0] }, spec: { maxUnavailablePercentage: 50 } })
      .untilStatus('FAILED')
      .so(({ transitions }) => {
        const why = 'instance 0 (pod-0-0): its disruption budget does not let it go'
        expect(transitions.at(-1)?.reason).toBe(`INSTANCES_FAILED: 1 failed of 4, first ${why}`)
      })
  })

  test('an ordered fleet stops at the first that blocks the rest', () => {
    given({ size: 10, kind: 'ordered', faults: { neverReady: [9] } })
      .untilStatus('FAILED')
      .thenReason('FAILED_INSTANCE_BLOCKS_THE_ORDER')
  })

  test('one that is bad for as long as the timeout after it passed is FAILED', () => {
    given({
      size: 4,
      spec: { batchDelaySeconds: 3600, batchSize: 1 },
      faults: { turnsBad: [{ index: 0, afterSeconds: 60 }] },
    })
      .until(({ instances }) => instances[0]?.status === 'COMPLETED')
      .until(({ instances }) => instances[0]?.health.badSince !== null)
      .afterSeconds(240)
      .thenCounts({ FAILED: 0 })
      .afterSeconds(90)
      .thenCounts({ FAILED: 1 })
  })

  test('a refused eviction keeps it DRAINING, with the reason, until its time is over', () => {
    given({ size: 10, room: 0, faults: { neverDrains: [0] } })
      .untilWaiting('DRAINING')
      .afterSeconds(100)
      .so(({ instances }) => expect(instances[0]).toMatchObject({ status: 'DRAINING', message: expect.any(String) }))
      .until(({ instances }) => instances[0]?.status === 'FAILED')
      .so(({ instances }) => expect(instances[0]).toMatchObject({ side: 'previous', message: expect.any(String) }))
      .untilStatus('FAILED')
      .thenCounts({ COMPLETED: 9, FAILED: 1 })
  })

  test('a deployment that fails stops before anything moves', () => {
    given({ faults: { deployFails: true } })
      .untilStatus('FAILED')
      .thenReason('DEPLOY_FAILED')
      .thenCounts({ PENDING: 10 })
      .so(({ transitions }) => expect(transitions.at(-1)?.reason).toBe('DEPLOY_FAILED: helm failed in the rehearsal'))
    given({ spec: auto, faults: { deployFails: true } })
      .untilStatus('ROLLED_BACK')
      .thenCounts({ PENDING: 10 })
  })

  test.each(['surging', 'ordered', 'nodes'] as const)(
    'a deployment that changed nothing freezes nothing: %s',
    (kind) => {
      given({ kind, faults: { deployFails: true } })
        .untilStatus('FAILED')
        .so(({ frozen }, { world }) => expect([frozen, world.gate.kind]).toEqual([false, 'none']))
        .thenOnTarget(0)
    },
  )

  test('one that failed when the pods were changed already is left frozen', () => {
    given({ faults: { deployFails: true } })
      .untilWaiting('HELM')
      .inCluster((world) => ({ ...world, template: 'target' }))
      .untilStatus('FAILED')
      .so(({ frozen }, { world }) => expect([frozen, world.gate.kind]).toEqual([true, 'frozen']))
      .thenOnTarget(0)
  })

  test('one that failed beside another workload that it would move is left frozen', () => {
    given({ faults: { deployFails: true }, othersMove: true })
      .untilStatus('FAILED')
      .so(({ frozen }) => expect(frozen).toBe(true))
  })

  test('time in which nobody could look is on nobody’s account', () => {
    const scenario = given().untilBatch(1).next().next()
    for (let n = 0; n < 300; n++) scenario.next('done', 'blind')
    expect(scenario.execution.waitingFor?.reason).toBe('CLUSTER_UNREADABLE')
    scenario.untilStatus('COMPLETED').so(({ rollbackInfo }) => expect(rollbackInfo.currentFailures).toBe(0))
  })

  test('nor is it on that of one that has passed and whose old pod a budget keeps', () => {
    const scenario = given({ size: 4, faults: { neverDrains: [0] } })
      .until(({ instances }) => instances[0]?.surge === true && instances[0].status === 'COMPLETED')
      .afterSeconds(60)
    for (let n = 0; n < 300; n++) scenario.next('done', 'blind')
    scenario.next().next().thenCounts({ FAILED: 0 }).afterSeconds(300).thenCounts({ FAILED: 1 })
  })
})

describe('an upgrade that is taken from us', () => {
  const cancelled = { kind: 'failed', code: 'cancelled', detail: 'a person cancelled the operation' } as const
  const lose = (world: World): World => ({
    ...world,
    releases: world.releases.map((release) => ({ ...release, deploy: cancelled })),
  })

  test('stops the execution: back with auto-rollback, else FAILED', () => {
    given({ spec: auto }).untilBatch(2).inCluster(lose).untilStatus('ROLLED_BACK').thenReason('DEPLOY_FAILED')
    given().untilBatch(2).inCluster(lose).untilStatus('FAILED').thenReason('DEPLOY_FAILED')
  })

  test('a canary that is monitored stays, and is not promoted', () => {
    given({ spec: { strategy: 'CANARY' } })
      .untilStatus('CANARY_MONITORING')
      .inCluster(lose)
      .untilWaiting('CANARY_FAILED')
      .thenRefused('promote')
      .when('rollback')
      .untilStatus('ROLLED_BACK')
  })
})

describe('checks', () => {
  test('a failed one ends it before anything is touched', () => {
    given({ failedChecks: ['BACKUP'] })
      .untilStatus('FAILED')
      .thenReason('CHECKS_FAILED')
      .thenActs()
  })
})

describe('rollback', () => {
  test('reverts what moved, and never restarts what did not', () => {
    const scenario = given({ size: 10 }).untilBatch(2).when('rollback')
    const untouched = scenario.execution.instances
      .filter(({ status }) => status === 'PENDING')
      .map(({ pod }) => pod?.uid)
    expect(untouched.length).toBe(5)
    scenario.untilStatus('ROLLED_BACK').thenOnTarget(0)
    const after = new Set(scenario.execution.instances.map(({ pod }) => pod?.uid))
    for (const uid of untouched) expect(after).toContain(uid)
  })

  test('FAILED when one does not come back; it tries all others', () => {
    given({ size: 10, faults: { neverReverts: [0] } })
      .untilBatch(2)
      .when('rollback')
      .untilStatus('FAILED')
      .thenReason('NOT_BACK_IN_TIME')
      .thenOnTarget(0)
      .thenCounts({ FAILED: 1 })
      .so(({ frozen }) => expect(frozen).toBe(false))
  })

  test('of an ordered fleet takes away the broken pod that its controller would keep', () => {
    given({ size: 5, kind: 'ordered', spec: auto, faults: { neverReady: [4] } })
      .untilStatus('ROLLED_BACK')
      .thenOnTarget(0)
  })

  test('with room nobody who is ready goes before another one is', () => {
    const scenario = given({ size: 8, spec: { batchSize: 4, maxUnavailablePercentage: 50 } }).untilBatch(2)
    scenario.when('rollback').untilStatus('ROLLED_BACK')
    expect(scenario.fewestReady).toBeGreaterThanOrEqual(8)
  })

  test.each(['ordered', 'nodes', 'each', 'surging'] as const)('keeps the budget: %s', (kind) => {
    for (const batch of [1, 2, 3]) {
      const scenario = given({ size: 8, kind, room: 0 }).untilBatch(batch).next().next().next().when('rollback')
      scenario.untilStatus('ROLLED_BACK')
      expect(scenario.fewestReady).toBeGreaterThanOrEqual(6)
    }
  })

  test('before helm ran takes only the gate away', () => {
    given()
      .untilWaiting('GATE')
      .when('rollback')
      .untilStatus('ROLLED_BACK')
      .thenActs('gate', 'gate')
      .so(({ deployed }) => expect(deployed).toBe(false))
  })
})

describe('pause, resume and cancel', () => {
  test('in PAUSED what is in flight settles, and nothing is started', () => {
    given({ size: 10 })
      .untilBatch(1)
      .next()
      .when('pause')
      .afterSeconds(3600)
      .thenCounts({ COMPLETED: 5, PENDING: 5 })
      .thenOnTarget(5)
      .when('resume')
      .untilStatus('COMPLETED')
      .thenSteps('VALIDATING', 'IN_PROGRESS', 'PAUSED', 'IN_PROGRESS', 'COMPLETED')
  })

  test('what the gate never opened for is taken back, and its time does not run', () => {
    given({ size: 10, room: 0 })
      .untilWaiting('DRAINING')
      .next('lost')
      .when('pause')
      .afterSeconds(3600)
      .thenCounts({ PENDING: 10, FAILED: 0 })
      .when('resume')
      .untilStatus('COMPLETED')
  })

  test('a pause while helm runs lets helm end, and opens nothing', () => {
    given().untilWaiting('HELM').when('pause').afterSeconds(60).thenCounts({ PENDING: 10 }).thenGates()
  })

  test('failures count in PAUSED and are judged at resume: back with auto-rollback', () => {
    given({ spec: auto, faults: { neverReady: [0, 1, 2] } })
      .untilBatch(1)
      .next()
      .when('pause')
      .afterSeconds(600)
      .so(({ status, rollbackInfo }) => expect([status, rollbackInfo.currentFailures]).toEqual(['PAUSED', 3]))
      .when('resume')
      .thenSteps('VALIDATING', 'IN_PROGRESS', 'PAUSED', 'IN_PROGRESS', 'ROLLING_BACK')
      .untilStatus('ROLLED_BACK')
  })

  test('without auto-rollback the resume ends it FAILED', () => {
    given({ faults: { neverReady: [0, 1, 2] } })
      .untilBatch(1)
      .next()
      .when('pause')
      .afterSeconds(600)
      .when('resume')
      .so(({ ending }) => expect(ending?.to).toBe('FAILED'))
      .untilStatus('FAILED')
      .thenSteps('VALIDATING', 'IN_PROGRESS', 'PAUSED', 'IN_PROGRESS', 'FAILED')
  })

  test('cancel waits for what is in flight, then leaves a mixed fleet frozen', () => {
    given({ size: 10 })
      .untilBatch(1)
      .next()
      .when('cancel')
      .so(({ status, waitingFor }) => expect([status, waitingFor?.reason]).toEqual(['IN_PROGRESS', 'CANCELLING']))
      .untilStatus('CANCELLED')
      .thenOnTarget(5)
      .so(({ frozen, frozenVersions }, { world }) =>
        expect([frozen, world.gate.kind, frozenVersions]).toEqual([true, 'frozen', { '1.0.0': 5, '1.1.0': 5 }]),
      )
  })

  test('cancel?immediate does not wait', () => {
    given({ size: 10, faults: { readySeconds: 200 } })
      .untilBatch(1)
      .next()
      .when('cancelNow')
      .afterSeconds(5)
      .so(({ status, instances, rollbackInfo }) => {
        expect([status, rollbackInfo.currentFailures]).toEqual(['CANCELLED', 0])
        const left = instances.filter(({ message }) => message?.startsWith('left in the middle'))
        expect(left.map((one) => one.status)).toEqual(Array(5).fill('FAILED'))
        expect(instances.filter((one) => one.status === 'PENDING')).toHaveLength(5)
      })
  })

  test('cancel before helm ran leaves everything as it was', () => {
    given()
      .untilWaiting('GATE')
      .when('cancel')
      .untilStatus('CANCELLED')
      .so(({ frozen }, { world }) =>
        expect([frozen, world.gate.kind, world.template]).toEqual([false, 'none', 'previous']),
      )
  })

  test('cancel before helm ran leaves a fleet that was frozen as frozen as it was', () => {
    for (const command of ['cancel', 'rollback'] as const) {
      const scenario = given({ takesOver: true }).untilWaiting('GATE').when(command)
      scenario
        .until(({ endedAt }) => endedAt !== null)
        .so(({ frozen }, { world }) => {
          expect([frozen, world.gate.kind]).toEqual([true, 'frozen'])
        })
    }
  })

  test('cancel on the way back stops it there', () => {
    given({ size: 10 }).untilBatch(2).when('rollback').untilWaiting('REVERTING').when('cancel').untilStatus('CANCELLED')
  })
})
