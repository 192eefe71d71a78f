import { describe, expect, test } from 'vitest'
import { isOnTarget } from './instances.ts'
import { refOf } from './rehearsal/world.ts'
import {
  anotherHand,
  breakPod,
  editTemplate,
  handEnds,
  handInVain,
  killPod,
  lateWrite,
  scale,
} from './testing/disturb.ts'
import { given } from './testing/scenario.ts'
import { Simulation, say } from './testing/simulation.ts'

/** What the cluster, other people and crashes do meanwhile (SPEC section 5, "Safety"). */
describe('the fleet is counted again', () => {
  test('instances that the cluster adds join, and budgets follow', () => {
    given({ size: 4 })
      .untilBatch(1)
      .inCluster((world, now) => scale(world, 12, now))
      .untilStatus('COMPLETED')
      .thenOnTarget(12)
      .so(({ currentInstances, totalInstances, instances }) => {
        expect([currentInstances, totalInstances]).toEqual([12, 4])
        expect(instances.filter(({ origin }) => origin === 'CLUSTER').length).toBe(8)
      })
  })

  test('before the checks are made, so that they know how many there are', () => {
    const simulation = new Simulation({ size: 3 })
    simulation.world = scale(simulation.world, 20, simulation.now)
    simulation.command(say.start)
    simulation.next()
    expect([simulation.execution.totalInstances, simulation.execution.currentInstances]).toEqual([3, 20])
  })

  test('places that the cluster takes away are dropped', () => {
    given({ size: 10 })
      .untilBatch(2)
      .inCluster((world, now) => scale(world, 4, now))
      .untilStatus('COMPLETED')
      .thenOnTarget(4)
  })

  test('a pod that dies comes back in its own version, and its place keeps its id', () => {
    const scenario = given({ size: 10, spec: { batchDelaySeconds: 600 } }).untilWaiting('BATCH_DELAY')
    const ids = scenario.execution.instances.map(({ id }) => id)
    scenario
      .inCluster((world, now) => killPod(world, 0, now))
      .inCluster((world, now) => killPod(world, 5, now))
      .untilStatus('COMPLETED')
      .thenOnTarget(10)
      .so(({ instances }) => expect(instances.map(({ id }) => id)).toEqual(ids))
  })
})

describe('another hand', () => {
  test.each(['VALIDATING', 'IN_PROGRESS', 'PAUSED', 'ROLLING_BACK'] as const)('in %s', (status) => {
    const scenario = given({ size: 10 })
    if (status !== 'VALIDATING') scenario.untilBatch(2)
    if (status === 'PAUSED') scenario.when('pause')
    if (status === 'ROLLING_BACK') scenario.when('rollback')
    scenario
      .inCluster(anotherHand)
      .untilStatus('FAILED')
      .thenReason('CHANGED_BY_ANOTHER_HAND')
      .so(({ frozen }, { world }) => expect([frozen, world.gate.kind, world.pin]).toEqual([false, 'none', null]))
  })

  test('in CANARY_MONITORING', () => {
    given({ size: 10, spec: { strategy: 'CANARY' } })
      .untilStatus('CANARY_MONITORING')
      .inCluster(anotherHand)
      .untilStatus('FAILED')
      .thenReason('CHANGED_BY_ANOTHER_HAND')
  })
})

describe('a revision of another hand that has changed nothing', () => {
  const stands = ['pending', 'failed'] as const
  const bare = { frozen: true, gate: 'frozen' }
  const left = ({ execution: { frozen }, world }: Simulation) => ({ frozen, gate: world.gate.kind })

  test.each(
    stands.flatMap((one) => (['IN_PROGRESS', 'PAUSED', 'ROLLING_BACK'] as const).map((at) => [one, at] as const)),
  )('%s, in %s: the fleet is left frozen, and it is told', (one, status) => {
    const scenario = given({ size: 10, room: 0 }).untilBatch(2)
    if (status === 'PAUSED') scenario.when('pause').afterSeconds(10)
    if (status === 'ROLLING_BACK') scenario.when('rollback')
    const onTarget = () => scenario.world.pods.filter(({ side }) => side === 'target').length
    scenario.inCluster(handInVain(one)).untilStatus('FAILED').thenReason('CHANGED_BY_ANOTHER_HAND')
    scenario.so(({ warnings }, simulation) => {
      expect(left(simulation)).toEqual(bare)
      expect(warnings.map(({ code }) => code)).toContain('OTHER_REVISION_WITHOUT_EFFECT')
    })
    const moved = onTarget()
    scenario.afterSeconds(60)
    expect(onTarget()).toBe(moved)
  })

  test('once helm has gone back: what is not back yet stays', () => {
    const spec = { batchSize: 2, maxUnavailablePercentage: 10, batchDelaySeconds: 1, healthCheckIntervalSeconds: 1 }
    const scenario = given({ size: 10, room: 0, spec }).untilBatch(3).when('rollback')
    scenario
      .until(({ stage }) => stage === 'reverting', 'it goes back')
      .inCluster(handInVain('failed'))
      .untilStatus('FAILED')
      .so((_, simulation) => expect(left(simulation)).toEqual(bare))
  })

  test('in CANARY_MONITORING, and one that failed', () => {
    for (const turnsBad of [[], [{ index: 0, afterSeconds: 3 }]]) {
      const canary = { strategy: 'CANARY', healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 5 } as const
      const scenario = given({ size: 10, room: 0, faults: { turnsBad }, spec: canary })
      scenario
        .untilStatus('CANARY_MONITORING')
        .afterSeconds(20)
        .so(({ statusReason }) => expect(statusReason).toBe(turnsBad.length === 0 ? null : 'CANARY_FAILED'))
        .inCluster(handInVain('failed'))
        .untilStatus('FAILED')
        .thenReason('CHANGED_BY_ANOTHER_HAND')
        .so((_, simulation) => expect(left(simulation)).toEqual(bare))
    }
  })

  test('in blue-green the traffic stays pinned to the set that has passed', () => {
    const scenario = given({ size: 4, faults: { neverReady: [1] }, spec: { strategy: 'BLUE_GREEN' } })
    scenario
      .until(({ stage }) => stage === 'moving', 'green starts')
      .inCluster(handInVain('failed'))
      .untilStatus('FAILED')
      .so((_, simulation) => {
        expect(left(simulation)).toEqual(bare)
        expect(simulation.world.pin).toBe('previous')
      })
  })

  test('before helm has run, of a fleet that was found frozen: it is as it was found', () => {
    given({ size: 6, takesOver: true })
      .untilWaiting('GATE')
      .inCluster(handInVain('failed'))
      .untilStatus('FAILED')
      .thenReason('CHANGED_BY_ANOTHER_HAND')
      .so((_, simulation) => expect(left(simulation)).toEqual(bare))
  })

  test('where all instances are on the target version, or the template is that of the hand: the gate comes off', () => {
    const edited = given({ size: 10, room: 0 }).untilBatch(2)
    edited.inCluster((world, now) => editTemplate(handInVain('pending')(world, now), now)).untilStatus('FAILED')
    expect(left(edited.simulation)).toEqual({ frozen: false, gate: 'none' })
    const all = given({
      size: 3,
      room: 0,
      spec: { batchSize: 3, maxUnavailablePercentage: 100, healthCheckIntervalSeconds: 30 },
    })
    all.until(({ instances }) => instances.every(isOnTarget), 'all have moved').inCluster(handInVain('failed'))
    all.untilStatus('FAILED')
    expect(left(all.simulation)).toEqual({ frozen: false, gate: 'none' })
  })

  test('that is deployed before it has ended: the gate comes off', () => {
    const scenario = given({ size: 10, room: 0 }).untilBatch(2).inCluster(handInVain('pending'))
    scenario
      .until(({ ending }) => ending !== null, 'the end is decided')
      .inCluster((world, now) => handEnds(world, undefined, now))
      .untilStatus('FAILED')
      .so((_, simulation) => expect(left(simulation)).toEqual({ frozen: false, gate: 'none' }))
  })
})

/** Found by the simulation: seeds -862446975 and -723376888 of the property with disturbances. */
test('the new pod of a failed instance dies while the fleet is scaled: the next one takes its place and lets nobody go', () => {
  const spec = { batchSize: 2, batchDelaySeconds: 0, healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 2 }
  const faults = { neverDrains: [1], readySeconds: 0 }
  const scenario = given({ size: 3, faults, spec: { ...spec, failureThreshold: 1, maxUnavailablePercentage: 1 } })
  const beside = () => scenario.execution.instances.find(({ status }) => status === 'FAILED')?.nextPod
  scenario.until(({ ending }) => ending?.to === 'FAILED', 'the end is decided')
  const nth = scenario.world.pods
    .filter(({ goneAt }) => goneAt === null)
    .findIndex((pod) => refOf(scenario.world, pod).uid === beside()?.uid)
  scenario
    .inCluster((world, now) => scale(killPod(world, nth, now), 4, now))
    .next()
    .so(({ instances }) => {
      expect(instances.map(({ origin }) => origin)).toEqual(['TARGET', 'TARGET', 'TARGET', 'CLUSTER'])
      expect(instances.slice(0, 3).map(({ status }) => status)).toEqual(['COMPLETED', 'FAILED', 'PENDING'])
      expect(beside()).not.toBeNull()
    })
    .untilStatus('FAILED')
})

describe('a late write of an operation that had ended before', () => {
  test('ends an execution that takes a frozen fleet over, and leaves the fleet frozen', () => {
    const scenario = given({ size: 6, takesOver: true }).untilWaiting('GATE')
    scenario
      .so(({ stage, deployed }) => expect([stage, deployed]).toEqual(['closing', false]))
      .inCluster(lateWrite)
      .untilStatus('FAILED')
      .thenReason('REVISION_CAME_LATE')
      .so(({ frozen, instances }, { world }) => {
        expect([frozen, world.gate.kind]).toEqual([true, 'frozen'])
        expect(instances.every(({ status }) => status === 'PENDING')).toBe(true)
      })
  })

  test('ends one of a fleet that was not held as it was found', () => {
    given({ size: 6 })
      .untilWaiting('GATE')
      .inCluster(lateWrite)
      .untilStatus('FAILED')
      .thenReason('REVISION_CAME_LATE')
      .so(({ frozen }, { world }) => expect([frozen, world.gate.kind]).toEqual([false, 'none']))
  })
})

describe('another hand, once our upgrade has ended and before our rollback has begun', () => {
  const ended = () => {
    const scenario = given({ size: 10, room: 0 })
    const isOver = () => scenario.simulation.world.releases.every(({ deploy }) => deploy.kind === 'failed')
    return { scenario: scenario.untilBatch(2), isOver }
  }

  test.each(['rollback', 'cancel'] as const)('%s', (command) => {
    const { scenario, isOver } = ended()
    scenario
      .when(command)
      .until(isOver, 'the upgrade is concluded')
      .inCluster(anotherHand)
      .untilStatus('FAILED')
      .thenReason('CHANGED_BY_ANOTHER_HAND')
      .so(({ frozen }, { world }) => {
        expect([frozen, world.gate.kind]).toEqual([false, 'none'])
        expect(world.releases.map(({ undo }) => undo.kind)).toEqual(['absent'])
      })
  })
})

describe('crashes and acts', () => {
  test.each(['lost', 'doneAndLost', 'late', 'refused'] as const)('every act of an upgrade may be %s once', (fate) => {
    for (let crash = 0; crash < 14; crash++) {
      const scenario = given({ size: 6, spec: { batchDelaySeconds: 0 } })
      let acts = 0
      scenario.until(({ status }) => {
        const { simulation } = scenario
        if (simulation.acts.length === crash && acts === crash) {
          acts += 1
          for (let n = 0; n < 200 && simulation.acts.length === crash && !simulation.ended; n++) simulation.next(fate)
        }
        acts = Math.max(acts, simulation.acts.length)
        return status === 'COMPLETED'
      })
      scenario.thenOnTarget(6)
    }
  })

  test('a broken pod of another cause is not ours, and is taken first', () => {
    given({ size: 10, room: 0 })
      .inCluster((world, now) => breakPod(world, 3, now))
      .untilStatus('COMPLETED')
      .thenOnTarget(10)
  })
})
