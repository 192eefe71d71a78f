import { describe, expect, test } from 'vitest'
import { killPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'

/** Acts that the cluster, a source or a release refuses for good (`SPEC.md`, 4, 6 and 7). */
const auto = { autoRollbackEnabled: true } as const
const recreated = { size: 2, kind: 'nodes', spec: { strategy: 'RECREATE' } } as const

describe('an act that is refused for good', () => {
  test('a gate that cannot be shut ends it before anything is touched', () => {
    given({ refuses: ['gate'] })
      .untilStatus('FAILED')
      .thenReason('ACT_REFUSED')
      .thenCounts({ PENDING: 10 })
      .so(({ deployed, frozen, transitions }) => {
        expect([deployed, frozen]).toEqual([false, false])
        expect(transitions.at(-1)?.reason).toBe('ACT_REFUSED: refused in the simulation')
      })
  })

  test.each([
    ['not_found', 10],
    ['cluster_unavailable', 310],
  ] as const)('an upgrade that is refused ends it: %s', (refusedWith, seconds) => {
    const scenario = given({ refuses: ['deploy'], refusedWith })
    const from = scenario.simulation.now
    scenario.untilStatus('FAILED').thenReason('ACT_REFUSED').thenCounts({ PENDING: 10 })
    expect(scenario.simulation.now - from).toBeLessThan(seconds * 1000)
  })

  test.each(['undo', 'conclude'] as const)('a way back of which %s is refused ends within the time', (kind) => {
    const scenario = given({ refuses: kind === 'undo' ? ['undo'] : [] })
      .untilBatch(2)
      .when('rollback')
    scenario.simulation.refuses = [kind]
    scenario.afterSeconds(330).so(({ status, ending, waitingFor }) => {
      if (kind === 'undo') return expect(status).toBe('FAILED')
      expect([ending?.to, waitingFor?.reason]).toEqual(['FAILED', 'ACT_FAILED'])
      expect(waitingFor?.detail).toBe('refused in the simulation')
    })
    scenario.simulation.refuses = []
    scenario
      .untilStatus('FAILED')
      .thenReason('ROLLBACK_FAILED')
      .so(({ frozen }) => expect(frozen).toBe(true))
  })

  test('a gate and a pin that are refused in turns are tried with pauses, and end it within the time', () => {
    const scenario = given({ size: 1, room: 1, spec: { strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 60 } })
    const { simulation } = scenario.until(({ stage }) => stage === 'deploying', 'helm runs')
    simulation.world = killPod(simulation.world, 0, simulation.now)
    simulation.refuses = ['gate', 'pin']
    const before = simulation.acts.length
    scenario.until(({ ending }) => ending !== null, 'its end is decided').thenReason('ACT_REFUSED')
    // Two at a time, every two seconds.
    expect(simulation.acts.length - before).toBeLessThan(80)
  })

  test('one refusal is no end, however late it comes', () => {
    const scenario = given().untilWaiting('GATE').when('pause').afterSeconds(3600).when('resume')
    scenario.untilStatus('COMPLETED')
  })
})

describe('instances that were let go and of which the cluster was never told', () => {
  test.each(['surging', 'nodes', 'each'] as const)('are not failures: %s', (kind) => {
    const scenario = given({ kind, spec: { batchSize: 4 } }).untilBatch(1)
    scenario.simulation.refuses = ['gate', 'deploy']
    scenario
      .until(({ statusReason }) => statusReason === 'ACT_REFUSED', 'its end is decided')
      .so(({ rollbackInfo }) => expect(rollbackInfo.currentFailures).toBe(0))
    scenario.simulation.refuses = []
    scenario.untilStatus('FAILED').thenCounts({ FAILED: 0 })
    scenario.so(({ transitions }) => expect(transitions.at(-1)?.reason).toContain('refused in the simulation'))
  })

  test('go back with auto-rollback', () => {
    const scenario = given({ spec: auto }).untilBatch(2)
    scenario.simulation.refuses = ['gate']
    scenario.until(({ status }) => status === 'ROLLING_BACK').thenReason('ACT_REFUSED')
    scenario.simulation.refuses = []
    scenario.untilStatus('ROLLED_BACK').thenOnTarget(0)
  })

  test('one that a disruption budget keeps where it is not asked before says so', () => {
    const scenario = given({ ...recreated, refusedWith: 'refused' }).untilWaiting('HELM')
    scenario.simulation.refuses = ['gate']
    const kept = { message: 'refused in the simulation', side: 'previous' }
    scenario
      .until(({ stage }) => stage === 'moving')
      .inCluster((world) => ({ ...world, gate: { kind: 'admitting', upTo: 2, surge: 0 }, marked: [] }))
      .afterSeconds(60)
      .so(({ instances }) => expect(instances[0]).toMatchObject({ ...kept, status: 'UPGRADING' }))
      .until(({ instances }) => instances[0]?.status === 'FAILED')
      .so(({ instances }) => expect(instances[0]).toMatchObject(kept))
  })

  test('where the API server fails instead, the execution ends, and no instance is blamed', () => {
    const scenario = given({ ...recreated, refusedWith: 'cluster_unavailable' }).untilWaiting('HELM')
    scenario.simulation.refuses = ['gate']
    scenario
      .until(({ stage }) => stage === 'moving')
      .inCluster((world) => ({ ...world, gate: { kind: 'admitting', upTo: 2, surge: 0 }, marked: [] }))
      .until(({ ending }) => {
        expect(scenario.execution.instances.map(({ message }) => message)).toEqual([null, null])
        return ending !== null
      })
      .thenReason('ACT_REFUSED')
      .so(({ rollbackInfo }) => expect(rollbackInfo.currentFailures).toBe(0))
  })
})

/** Found by the simulation: seed 587894344 of the property with disturbances. */
test('a pin that serves nobody on the way back, and that is refused for too long, ends it: it would wait for ever', () => {
  const spec = { healthCheckTimeoutSeconds: 60, autoRollbackEnabled: true } as const
  const scenario = given({ size: 1, room: 1, spec: { ...spec, strategy: 'BLUE_GREEN' } }).untilWaiting(
    'WATCHING_THE_SWITCH',
  )
  scenario.simulation.refuses = ['pin']
  scenario.until(({ ending }) => ending?.to === 'FAILED', 'the end is decided')
  expect(scenario.execution.ending?.reason).toBe('ROLLBACK_FAILED')
  scenario.simulation.refuses = []
  scenario.untilStatus('FAILED').thenReason('ROLLBACK_FAILED')
})
