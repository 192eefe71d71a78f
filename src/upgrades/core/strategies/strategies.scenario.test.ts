import { describe, expect, test } from 'vitest'
import { advance } from '../rehearsal/fleet.ts'
import type { World, WorldSide } from '../rehearsal/world.ts'
import { breakPod, misPin, scale } from '../testing/disturb.ts'
import { given } from '../testing/scenario.ts'

/** SPEC section 5, "Strategies", a sentence a test. */
const auto = { autoRollbackEnabled: true } as const

/** Breaks the nth pod when it is of that side. */
function breakSide(world: World, nth: number, side: WorldSide, now: number): World {
  return world.pods[nth]?.side === side ? breakPod(world, nth, now) : world
}

/** One of the first two new pods is not ready now, in turns. */
function flap(stored: World, nth: number | null, now: number): World {
  const world = advance(stored, now)
  const isBad = ({ side, slot }: World['pods'][number]) => side === 'target' && nth !== null && slot === nth % 2
  return { ...world, pods: world.pods.map((pod) => ({ ...pod, broken: isBad(pod) })) }
}

describe('ROLLING', () => {
  test('batches with a delay between them', () => {
    const scenario = given({ size: 20 }).untilWaiting('BATCH_DELAY')
    const from = scenario.simulation.now
    scenario.untilBatch(2)
    expect(scenario.simulation.now - from).toBe(60_000)
    scenario.untilStatus('COMPLETED').thenGates(5, 10, 15, 20)
    expect(scenario.execution.currentBatch).toBe(4)
  })

  test('where no pod changes helm runs and nothing moves, in every strategy', () => {
    for (const strategy of ['ROLLING', 'CANARY', 'BLUE_GREEN', 'RECREATE', 'STAGED'] as const) {
      given({ podsChange: false, spec: { strategy } })
        .untilStatus('COMPLETED')
        .thenSteps('VALIDATING', 'IN_PROGRESS', 'COMPLETED')
        .thenActs('deploy', 'conclude')
        .so(({ instances }) => expect(instances.every(({ unchanged }) => unchanged)).toBe(true))
    }
  })
})

describe('CANARY', () => {
  const spec = { strategy: 'CANARY', canaryPercentage: 10 } as const

  test('a few first, then a person promotes, then the rest', () => {
    given({ size: 20, spec })
      .untilStatus('CANARY_MONITORING')
      .thenOnTarget(2)
      .afterSeconds(86_400)
      .so(({ waitingFor }) => expect(waitingFor?.reason).toBe('CANARY_PROMOTION'))
      .when('promote')
      .untilStatus('COMPLETED')
      .thenSteps('VALIDATING', 'CANARY_RUNNING', 'CANARY_MONITORING', 'IN_PROGRESS', 'COMPLETED')
      .so(({ promotedBy }) => expect(promotedBy).toBe('tester'))
  })

  test('it is looked at every interval', () => {
    const scenario = given({ size: 20, spec }).untilWaiting('CANARY_PROMOTION').next()
    const from = scenario.simulation.now
    scenario.next()
    expect(scenario.simulation.now - from).toBe(30_000)
  })

  const turnsBad = { turnsBad: [{ index: 0, afterSeconds: 100 }] }

  test('one that turns bad twice in a row rolls back', () => {
    given({ size: 20, spec: { ...spec, ...auto }, faults: turnsBad })
      .untilStatus('ROLLED_BACK')
      .thenReason('CANARY_FAILED')
      .thenSteps('VALIDATING', 'CANARY_RUNNING', 'CANARY_MONITORING', 'ROLLING_BACK', 'ROLLED_BACK')
  })

  test('without auto-rollback it stays, says so, and is not promoted', () => {
    given({ size: 20, spec, faults: turnsBad })
      .untilWaiting('CANARY_FAILED')
      .so(({ status }) => expect(status).toBe('CANARY_MONITORING'))
      .thenRefused('promote')
      .when('rollback')
      .untilStatus('ROLLED_BACK')
  })

  test('one that never becomes ready stops it while it is being deployed', () => {
    given({ size: 20, spec, faults: { neverReady: [0] } })
      .untilStatus('FAILED')
      .thenReason('CANARY_FAILED')
    given({ size: 20, spec: { ...spec, ...auto }, faults: { neverReady: [0] } })
      .untilStatus('ROLLED_BACK')
      .thenSteps('VALIDATING', 'CANARY_RUNNING', 'CANARY_MONITORING', 'ROLLING_BACK', 'ROLLED_BACK')
  })

  test('once promoted the canaries are like the others', () => {
    given({
      size: 20,
      spec: { ...spec, batchDelaySeconds: 600 },
      faults: { turnsBad: [{ index: 0, afterSeconds: 300 }] },
    })
      .untilStatus('CANARY_MONITORING')
      .when('promote')
      .untilStatus('FAILED')
      .thenReason('INSTANCES_FAILED')
  })
})

describe('STAGED', () => {
  const spec = { strategy: 'STAGED', batchSize: 4 } as const

  test('a person approves after each batch but the last, and is recorded', () => {
    given({ size: 10, spec })
      .untilStatus('PAUSED')
      .thenReason('APPROVAL_REQUIRED')
      .thenOnTarget(4)
      .when('resume')
      .untilStatus('PAUSED')
      .thenOnTarget(8)
      .when('resume')
      .untilStatus('COMPLETED')
      .so(({ approvals }) =>
        expect(approvals).toMatchObject([
          { by: 'tester', batch: 1 },
          { by: 'tester', batch: 2 },
        ]),
      )
  })

  test('a pause in between is no approval', () => {
    given({ size: 10, spec })
      .untilBatch(1)
      .when('pause')
      .when('resume')
      .so(({ approvals }) => expect(approvals).toEqual([]))
      .untilStatus('PAUSED')
      .thenReason('APPROVAL_REQUIRED')
  })
})

describe('BLUE_GREEN', () => {
  const spec = { strategy: 'BLUE_GREEN' } as const

  test('the watch ends in time though every look of it comes late', () => {
    const brief = { healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 60 }
    const { simulation } = given({ size: 3, spec: { ...spec, ...brief } }).untilWaiting('WATCHING_THE_SWITCH')
    const began = simulation.now
    while (simulation.execution.stage === 'watching' && simulation.now < began + 600_000) {
      simulation.now = (simulation.due ?? simulation.now) + 5_000
      simulation.next()
    }
    expect(simulation.now - began).toBeLessThan(75_000)
    simulation.run()
    expect(simulation.execution.status).toBe('COMPLETED')
  })

  test('the watch of a set that flaps has an end: one timeout more, and none is bad for long', () => {
    const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 20 }
    const fleet = given({ size: 3, spec: { ...spec, ...brief } }).untilWaiting('WATCHING_THE_SWITCH')
    const began = fleet.simulation.now
    for (let nth = 0; fleet.execution.stage === 'watching' && nth < 100; nth++) {
      fleet.inCluster((world, now) => flap(world, nth, now)).afterSeconds(2)
    }
    const took = (fleet.simulation.now - began) / 1000
    expect([took > 20, took <= 2 * 20 + 2]).toEqual([true, true])
    fleet.inCluster((world, now) => flap(world, null, now)).untilStatus('COMPLETED')
  })

  test('the whole set beside the old one, one switch, the old ones retire after the watch', () => {
    const scenario = given({ size: 5, spec })
      .untilWaiting('WATCHING_THE_SWITCH')
      .so((_, { world }) => expect(world.pin).toBe('target'))
    const from = scenario.simulation.now
    scenario
      .untilStatus('COMPLETED')
      .thenOnTarget(5)
      .thenActs('gate', 'deploy', 'pin', 'gate', 'pin', 'gate', 'pin', 'conclude')
      .so((_, { world }) => expect(world.pin).toBeNull())
    expect(scenario.simulation.now - from).toBeGreaterThanOrEqual(300_000)
    expect(scenario.fewestReady).toBeGreaterThanOrEqual(5)
  })

  test('a rollback during the watch is one switch back', () => {
    const scenario = given({ size: 5, spec }).untilWaiting('WATCHING_THE_SWITCH').when('rollback')
    const acts = scenario.simulation.acts.length
    scenario.next()
    expect(scenario.simulation.acts.slice(acts)).toEqual([{ kind: 'pin', to: 'previous' }])
    scenario.untilStatus('ROLLED_BACK').thenOnTarget(0)
    expect(scenario.fewestReady).toBeGreaterThanOrEqual(5)
  })

  test('the first failure of the green set stops it before the switch', () => {
    given({ size: 5, spec, faults: { neverReady: [2] } })
      .untilStatus('FAILED')
      .thenReason('GREEN_FAILED')
      .so((_, { world }) => expect(world.pin).toBe('previous'))
  })

  test.each([true, false])('a green set that dies is FAILED after two bad checks, and counted: back %s', (back) => {
    const scenario = given({ size: 3, spec: { ...spec, autoRollbackEnabled: back, failureThreshold: 10 } })
    scenario.untilWaiting('WATCHING_THE_SWITCH')
    for (let nth = 0; nth < 6; nth++) scenario.inCluster((world, now) => breakSide(world, nth, 'target', now))
    scenario
      .until(({ rollbackInfo }) => rollbackInfo.currentFailures > 0, 'until failures are counted')
      .so(({ stage, instances, rollbackInfo }, { world }) => {
        expect([stage, world.pin]).toEqual([back ? 'repinning' : 'releasing', 'previous'])
        expect(rollbackInfo.currentFailures).toBe(3)
        expect(instances.map(({ status }) => status)).toEqual(['FAILED', 'FAILED', 'FAILED'])
      })
      .thenReason('GREEN_FAILED')
      .untilStatus(back ? 'ROLLED_BACK' : 'FAILED')
  })

  test('a green set that is ready and has lost the traffic is not used any more', () => {
    given({ size: 3, spec: { ...spec, ...auto } })
      .untilWaiting('WATCHING_THE_SWITCH')
      .inCluster((world) => ({ ...world, pin: 'previous', writes: world.writes + 1 }))
      .untilStatus('ROLLED_BACK')
      .thenReason('GREEN_FAILED')
  })

  test('traffic goes back when the green set dies after the switch', () => {
    const scenario = given({ size: 3, spec: { ...spec, ...auto } }).untilWaiting('WATCHING_THE_SWITCH')
    for (let nth = 0; nth < 6; nth++) scenario.inCluster((world, now) => breakSide(world, nth, 'target', now))
    scenario.until((_) => scenario.simulation.world.pin === 'previous').untilStatus('ROLLED_BACK')
  })

  test('a set that grows before the switch has to pass first', () => {
    const scenario = given({ size: 4, spec })
      .until(({ stage }) => stage === 'switching')
      .inCluster((world, now) => scale({ ...world, pin: 'previous' }, 8, now))
    scenario.simulation.attempt = null
    scenario.untilStatus('COMPLETED').thenOnTarget(8)
  })

  const unpin = (world: World): World => ({ ...world, pin: null })

  test('a pin that another hand takes away is put back on the side that has the traffic', () => {
    const scenario = given({ size: 5, spec }).until(({ instances }) =>
      instances.some(({ nextPod }) => nextPod !== null),
    )
    scenario.inCluster(unpin).until(() => scenario.world.pin === 'previous', 'pinned to the old set again')
    scenario.untilWaiting('WATCHING_THE_SWITCH').inCluster(unpin)
    scenario.until(() => scenario.world.pin === 'target', 'pinned to the new set again').untilStatus('COMPLETED')
    expect(scenario.execution.warnings.map(({ code }) => code)).toEqual(['PIN_RESTORED'])
    expect(scenario.simulation.events.some(({ type }) => type === 'execution.pin-restored')).toBe(true)
  })

  test('a pin that does not stay is no endless wait', () => {
    const scenario = given({ size: 5, spec }).untilWaiting('WATCHING_THE_SWITCH')
    for (let looks = 0; looks < 20; looks++) scenario.inCluster(unpin).next()
    scenario.inCluster(unpin).untilStatus('FAILED').thenReason('PIN_REMOVED')
  })

  test('the way back is not pinned to old pods that are not ready', () => {
    const scenario = given({ size: 3, spec }).untilWaiting('WATCHING_THE_SWITCH')
    for (let nth = 0; nth < 6; nth++) scenario.inCluster((world, now) => breakSide(world, nth, 'previous', now))
    scenario.when('rollback').untilStatus('FAILED').thenReason('NOT_BACK_IN_TIME')
  })

  test('a pin that another hand has set to nobody is put right at the very next look, again and again', () => {
    const scenario = given({ size: 3, spec }).untilWaiting('WATCHING_THE_SWITCH')
    for (let times = 0; times < 3; times++) {
      scenario.inCluster(misPin).next()
      expect(scenario.simulation.world.pin).toBe('target')
      scenario.next()
    }
    scenario.untilStatus('COMPLETED').so(({ warnings }) => {
      expect(warnings.map(({ code }) => code)).toEqual(['PIN_RESTORED'])
    })
    expect(scenario.simulation.events.some(({ type }) => type === 'execution.pin-restored')).toBe(true)
  })

  test('before the switch it is put back to the old set', () => {
    given({ size: 3, spec })
      .untilBatch(1)
      .inCluster(misPin)
      .next()
      .so((_, { world }) => expect(world.pin).toBe('previous'))
      .untilStatus('COMPLETED')
      .so(({ warnings }) => expect(warnings.map(({ code }) => code)).toEqual(['PIN_RESTORED']))
  })

  test('while something is pinned the fleet is looked at every second, and nothing is saved that did not change', () => {
    const scenario = given({ size: 3, spec }).untilWaiting('WATCHING_THE_SWITCH').afterSeconds(40)
    for (let seconds = 0; seconds < 20; seconds++) {
      const from = scenario.simulation.now
      scenario.next()
      expect(scenario.simulation.now - from).toBeLessThanOrEqual(1000)
    }
    const { execution } = scenario.next()
    expect(scenario.next().execution).toBe(execution)
  })

  test('a pin that nobody can serve comes off, is recorded, and counts as the threshold reached', () => {
    const scenario = given({ size: 3, spec: { ...spec, ...auto } }).untilWaiting('WATCHING_THE_SWITCH')
    for (let nth = 0; nth < 6; nth++) scenario.inCluster((world, now) => breakPod(world, nth, now))
    scenario
      .until(({ warnings }) => warnings.some(({ code }) => code === 'PIN_REMOVED'))
      .until(({ status }) => status === 'ROLLING_BACK')
      .thenReason('PIN_REMOVED')
    expect(scenario.simulation.events.some(({ type }) => type === 'execution.pin-removed')).toBe(true)
  })
})

describe('RECREATE', () => {
  const spec = { strategy: 'RECREATE' } as const

  test('needs no gate', () => {
    const free = { hold: 'none', surge: false, ordered: false, pin: false } as const
    given({ size: 6, spec, capabilities: free }).untilStatus('COMPLETED').thenOnTarget(6).thenActs('deploy', 'conclude')
    given({ size: 6, spec: { ...spec, ...auto }, capabilities: free, faults: { neverReady: [0, 1, 2] } })
      .untilStatus('ROLLED_BACK')
      .thenOnTarget(0)
  })

  test('replaces all at once, with the threshold as its only limit', () => {
    given({ size: 10, spec, faults: { neverReady: [0, 1] } })
      .untilStatus('FAILED')
      .thenReason('INSTANCES_FAILED')
    given({ size: 10, spec: { ...spec, ...auto }, faults: { neverReady: [0, 1, 2] } })
      .untilStatus('ROLLED_BACK')
      .thenReason('FAILURE_THRESHOLD_REACHED')
  })
})
