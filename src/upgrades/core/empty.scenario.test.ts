import { describe, expect, test } from 'vitest'
import type { Execution, UpgradeSpec } from './model.ts'
import { scale } from './testing/disturb.ts'
import { given, type Scenario } from './testing/scenario.ts'
import type { Setup, Simulation } from './testing/simulation.ts'

/** Scaled to 0 in the middle (docs/adr/0051): with no instance nothing is verified, and nothing is taken for verified. */
const quick = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 20, batchDelaySeconds: 0 } as const
const auto = { ...quick, autoRollbackEnabled: true, failureThreshold: 1 } as const
const bad = { neverReady: [0, 1, 2, 3] } as const

function upgrade(spec: Partial<UpgradeSpec>, more: Setup = {}): Scenario {
  return given({ size: 4, ...more, spec: { ...quick, ...spec } })
}

const inFlight = ({ instances }: Execution) => instances.some(({ status }) => status === 'UPGRADING')
const to = (wanted: number) => (world: Parameters<typeof scale>[0], now: number) => scale(world, wanted, now)
const sides = ({ world }: Scenario) => world.pods.map(({ side }) => side)

/** The one that was let go is on its way, and then nothing is wanted any more. */
const emptied = (scenario: Scenario): Scenario =>
  scenario.until(inFlight, 'one is in flight').inCluster(to(0)).untilWaiting('NO_INSTANCES')

describe('a version that never gets ready', () => {
  test('is told until when it is waited, and starts nothing', () => {
    const scenario = emptied(upgrade(auto, { faults: bad }))
    const { now, acts } = scenario.simulation
    const before = acts.length
    scenario
      .so(({ waitingFor }) => {
        expect(waitingFor?.detail).toBe('no instance is wanted')
        expect((waitingFor?.until ?? 0) - now).toBeGreaterThan(15_000)
      })
      .afterSeconds(15)
      .so(({ status }) => expect([status, acts.length]).toEqual(['IN_PROGRESS', before]))
  })

  test('goes back with auto-rollback, and what is scaled up is the previous one', () => {
    const scenario = emptied(upgrade(auto, { faults: bad }))
      .untilStatus('ROLLED_BACK')
      .thenReason('NO_INSTANCES')
    scenario.inCluster(to(3)).so((_, { world }) => expect(world.template).toBe('previous'))
    expect(new Set(sides(scenario))).toEqual(new Set(['previous']))
  })

  test.each(['ordered', 'surging'] as const)('is FAILED and frozen without: %s', (kind) => {
    emptied(upgrade({}, { kind, faults: bad }))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .so(({ frozen, frozenVersions }, { world }) => {
        expect([frozen, world.gate.kind]).toEqual([true, 'frozen'])
        expect(frozenVersions).toEqual({ '1.1.0': 0 })
      })
  })

  test('cancelled at 0 it is frozen too', () => {
    emptied(upgrade({}, { faults: bad }))
      .when('cancel')
      .untilStatus('CANCELLED')
      .so(({ frozen }) => expect(frozen).toBe(true))
  })

  test('RECREATE where nothing can be held ends too', () => {
    const none = { hold: 'none' as const }
    emptied(upgrade({ strategy: 'RECREATE' }, { faults: bad, capabilities: none }))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .so(({ frozen }) => expect(frozen).toBe(false))
  })

  test('of which every instance has FAILED ends, and on the way back at 0 it is back', () => {
    upgrade({ ...auto, failureThreshold: 9, strategy: 'RECREATE' }, { faults: bad })
      .until(({ instances }) => inFlight({ instances } as Execution), 'all are in flight')
      .afterSeconds(19)
      .inCluster(to(0))
      .untilStatus('ROLLED_BACK')
    upgrade({}, { faults: bad }).until(inFlight).when('rollback').inCluster(to(0)).untilStatus('ROLLED_BACK')
  })
})

describe('scaled up again in time', () => {
  test.each(['ROLLING', 'STAGED', 'RECREATE', 'BLUE_GREEN'] as const)('it goes on: %s', (strategy) => {
    const scenario = emptied(upgrade({ strategy }, { faults: { readySeconds: 4 } }))
      .afterSeconds(10)
      .inCluster(to(3))
    const approve = ({ status }: Execution) => status === 'PAUSED' && scenario.when('resume') && false
    scenario.until((execution) => approve(execution) || execution.status === 'COMPLETED', 'COMPLETED').thenOnTarget(3)
  })

  test('in blue-green the pin stays where it is meanwhile', () => {
    emptied(upgrade({ strategy: 'BLUE_GREEN' }, { faults: { readySeconds: 4 } }))
      .afterSeconds(5)
      .so(({ warnings }, { world }) => expect([warnings, world.pin]).toEqual([[], 'previous']))
      .inCluster(to(4))
      .afterSeconds(3)
      .so(({ warnings }, { world }) => expect([warnings, world.pin]).toEqual([[], 'previous']))
      .untilStatus('COMPLETED')
      .so(({ warnings }) => expect(warnings.map(({ code }) => code)).toEqual(['PIN_MOVED']))
  })

  test('in blue-green one that has passed is no set yet: the pin stays until all have', () => {
    emptied(upgrade({ strategy: 'BLUE_GREEN' }, { faults: { readySeconds: 4 } }))
      .inCluster(to(1))
      .afterSeconds(3)
      .inCluster(to(3))
      .untilStatus('COMPLETED')
      .so(({ warnings }) => expect(warnings.map(({ code }) => code)).not.toContain('PIN_REMOVED'))
  })

  test('in blue-green a set that comes late has its own time, once', () => {
    const scenario = upgrade({ strategy: 'BLUE_GREEN' }, { faults: { readySeconds: 8 } })
    scenario.untilWaiting('WATCHING_THE_SWITCH').inCluster(to(0)).untilWaiting('NO_INSTANCES').afterSeconds(18)
    scenario
      .inCluster(to(3))
      .untilStatus('COMPLETED')
      .so(({ warnings }) => expect(warnings.map(({ code }) => code)).not.toContain('PIN_REMOVED'))
  })

  test('the time in which it was at 0 counts from the first, where nothing became ready in between', () => {
    const scenario = emptied(upgrade({}, { faults: { readySeconds: 60 } }))
    scenario.afterSeconds(10).inCluster(to(2)).afterSeconds(5).inCluster(to(0)).afterSeconds(6)
    scenario.untilStatus('FAILED').thenReason('NO_INSTANCES')
  })
})

describe('a canary', () => {
  test('at 0 is not monitored, and not promoted', () => {
    emptied(upgrade({ strategy: 'CANARY' }, { kind: 'ordered', faults: { readySeconds: 4 } }))
      .so(({ status }) => expect(status).toBe('CANARY_RUNNING'))
      .inCluster(to(4))
      .untilStatus('CANARY_MONITORING')
      .inCluster(to(0))
      .untilWaiting('NO_INSTANCES')
      .thenRefused('promote')
      .untilWaiting('CANARY_FAILED')
      .thenRefused('promote')
      .when('rollback')
      .untilStatus('ROLLED_BACK')
  })

  test('that was scaled away is gone, though there are instances', () => {
    upgrade({ strategy: 'CANARY' }, { kind: 'ordered' })
      .untilStatus('CANARY_MONITORING')
      .inCluster(to(2))
      .untilWaiting('NO_INSTANCES')
      .so(({ waitingFor }) => expect(waitingFor?.detail).toContain('no instance of the canary'))
      .thenRefused('promote')
      .untilWaiting('CANARY_FAILED')
      .thenRefused('promote')
  })

  test('with auto-rollback it goes back', () => {
    upgrade({ strategy: 'CANARY', autoRollbackEnabled: true })
      .untilStatus('CANARY_MONITORING')
      .inCluster(to(0))
      .untilStatus('ROLLED_BACK')
      .thenReason('NO_INSTANCES')
  })
})

describe('where it is seen', () => {
  test('before helm runs nothing is touched', () => {
    upgrade({})
      .inCluster(to(0))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .thenActs()
      .so(({ deployed, frozen }) => expect([deployed, frozen]).toEqual([false, false]))
  })

  test('an upgrade that changes no pod is not verified either', () => {
    upgrade({}, { podsChange: false })
      .until(({ stage }) => stage === 'verifying')
      .inCluster(to(0))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .so(({ frozen }) => expect(frozen).toBe(false))
  })

  test('once all have passed and the gate is gone, what comes has passed: nothing is frozen', () => {
    upgrade({})
      .until(({ stage }) => stage === 'verifying')
      .inCluster(to(0))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .so(({ frozen }) => expect(frozen).toBe(false))
  })

  test('in PAUSED it waits for a person, and its time begins with resume', () => {
    const resumed = (_: Execution, { now }: Simulation) => now
    const scenario = upgrade({}, { faults: bad }).until(inFlight).when('pause').inCluster(to(0)).afterSeconds(300)
    scenario.so(({ status }) => expect(status).toBe('PAUSED')).when('resume')
    const at = resumed(scenario.execution, scenario.simulation)
    scenario.untilStatus('FAILED').thenReason('NO_INSTANCES')
    expect(scenario.simulation.now - at).toBeGreaterThanOrEqual(20_000)
  })

  test('frozen in blue-green the pin stays: nobody is served because nobody is wanted', () => {
    emptied(upgrade({ strategy: 'BLUE_GREEN' }, { faults: bad }))
      .untilStatus('FAILED')
      .thenReason('NO_INSTANCES')
      .so(({ frozen, warnings }, { world }) => expect([frozen, warnings, world.pin]).toEqual([true, [], 'previous']))
  })
})
