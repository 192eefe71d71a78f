import { describe, expect, test } from 'vitest'
import { isInFlight, isPair } from './instances.ts'
import type { Execution } from './model.ts'
import { advance } from './rehearsal/fleet.ts'
import { type FleetKind, fleetKinds } from './rehearsal/world.ts'
import { given, type Scenario } from './testing/scenario.ts'

const quick = {
  strategy: 'CANARY',
  healthCheckIntervalSeconds: 2,
  healthCheckTimeoutSeconds: 60,
  maxUnavailablePercentage: 50,
} as const

const flying = ({ instances }: Execution) => instances.filter(isInFlight)
const leftInTheMiddle = ({ instances }: Execution) =>
  instances.filter(({ message }) => message?.startsWith('left in the middle'))

/** A promoted canary of six that goes back while the rest is in flight. */
function turnedRound(kind: FleetKind): Scenario {
  return given({ size: 6, kind, faults: { readySeconds: 8 }, spec: quick })
    .untilStatus('CANARY_MONITORING')
    .when('promote')
    .until((execution) => flying(execution).some(({ nextPod, side }) => nextPod !== null || side !== 'previous'))
    .when('rollback')
}

/** Such a way back cancelled after each of its looks, from the first on. */
function* cancelled(kind: FleetKind): Generator<Scenario> {
  for (let looks = 0; looks < 60; looks++) {
    const fleet = turnedRound(kind)
    for (let n = 0; n < looks; n++) fleet.next()
    if (fleet.execution.ending !== null) return
    yield fleet.when('cancel')
  }
}

const podsIn = ({ world }: Scenario) => world.pods.filter(({ goneAt }) => goneAt === null)

describe.each(fleetKinds)('a way back that is cancelled with instances in flight: %s', (kind) => {
  test('ends when they have settled, and nobody is left in the middle', () => {
    for (const fleet of cancelled(kind)) {
      fleet.until(({ endedAt }) => endedAt !== null).afterSeconds(60)
      expect(fleet.execution.status).toBe('CANCELLED')
      expect(leftInTheMiddle(fleet.execution)).toEqual([])
      expect(fleet.execution.instances.filter(({ status }) => status === 'FAILED')).toEqual([])
      expect(podsIn(fleet)).toHaveLength(6)
    }
  })
})

test('a green set that is in flight when it turns round passes beside the old one, also where helm has gone back', () => {
  const spec = { ...quick, strategy: 'BLUE_GREEN', healthCheckIntervalSeconds: 20 } as const
  for (let looks = 0; looks < 5; looks++) {
    const fleet = given({ size: 3, spec })
      .until((execution) => flying(execution).some(isPair))
      .when('rollback')
    for (let n = 0; n < looks && fleet.execution.stage !== 'reverting'; n++) fleet.next()
    fleet.when('cancel').untilStatus('CANCELLED').thenCounts({ FAILED: 0 })
    expect(podsIn(fleet).filter(({ side }) => side === 'previous')).toHaveLength(3)
  }
})

test('pods that nobody has seen yet as it turns round take no room from those that are ready', () => {
  const fleet = given({ size: 6, faults: { readySeconds: 8 }, spec: { ...quick, batchSize: 2 } })
    .untilStatus('CANARY_MONITORING')
    .when('promote')
  for (let looks = 0; podsIn(fleet).length === 6 && looks < 20; looks++) fleet.next()
  expect(flying(fleet.execution).filter(({ nextPod }) => nextPod !== null)).toEqual([])
  fleet.when('rollback').when('cancel').untilStatus('CANCELLED').thenCounts({ FAILED: 0, COMPLETED: 3 })
  expect(fleet.fewestReady).toBe(6)
})

test('one that never passes has its time, then it is FAILED for what it is, and its old pod stays', () => {
  const faults = { readySeconds: 8, neverReady: [4] }
  const fleet = given({ size: 6, faults, spec: quick })
    .untilStatus('CANARY_MONITORING')
    .when('promote')
    .until((execution) => flying(execution).some(({ nextPod }) => nextPod !== null))
    .when('rollback')
    .when('cancel')
    .until(({ waitingFor }) => waitingFor?.detail === '1 instances in flight')
  const { waitingFor } = fleet.execution
  expect(waitingFor?.reason).toBe('CANCELLING')
  expect(waitingFor?.until ?? 0).toBeGreaterThan(fleet.simulation.now + 20_000)
  fleet.untilStatus('CANCELLED').thenCounts({ FAILED: 1 })
  expect(leftInTheMiddle(fleet.execution)).toEqual([])
  expect(fleet.simulation.now).toBeGreaterThanOrEqual(waitingFor?.until ?? 0)
  const [failed] = fleet.execution.instances.filter(({ status }) => status === 'FAILED')
  expect(failed).toMatchObject({ ready: true, side: 'previous' })
  expect(fleet.execution.rollbackInfo.currentFailures).toBe(0)
})

test('what had failed beside its old pod before it turned round stays so', () => {
  const spec = { ...quick, strategy: 'ROLLING', batchSize: 6, failureThreshold: 1, autoRollbackEnabled: true } as const
  const fleet = given({ size: 6, faults: { neverReady: [1] }, spec }).untilStatus('ROLLING_BACK')
  const before = podsIn(fleet)
  expect(before).toHaveLength(7)
  fleet.when('cancel').untilStatus('CANCELLED')
  expect(podsIn(fleet)).toEqual(before)
})

test('what goes back and never comes is given up after its time', () => {
  const fleet = turnedRound('surging')
    .untilWaiting('REVERTING')
    .inCluster((world, now) => ({ ...advance(world, now), faults: { neverReverts: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } }))
    .afterSeconds(2)
    .when('cancel')
  const began = fleet.simulation.now
  fleet.untilStatus('CANCELLED')
  expect(fleet.simulation.now - began).toBeLessThan(70_000)
})

test('at once it does not wait', () => {
  const fleet = turnedRound('surging').when('cancelNow').untilStatus('CANCELLED')
  expect(leftInTheMiddle(fleet.execution)).not.toEqual([])
})

describe('what is in flight settles too', () => {
  const canary = { size: 10, faults: { readySeconds: 8 }, spec: { ...quick, canaryPercentage: 30 } }
  const moving = (execution: Execution) => flying(execution).some(({ nextPod }) => nextPod !== null)

  test.each([
    ['a canary that is deployed', (fleet: Scenario) => fleet],
    ['a canary that was promoted', (fleet: Scenario) => fleet.untilStatus('CANARY_MONITORING').when('promote')],
  ] as const)('in a pause, and where that is cancelled: %s', (_, on) => {
    const paused = () => on(given(canary)).until(moving).when('pause')
    paused()
      .afterSeconds(30)
      .so((execution) => expect(flying(execution)).toEqual([]))
      .thenCounts({ FAILED: 0 })
    const fleet = paused().when('cancel')
    expect(fleet.execution).toMatchObject({ status: 'PAUSED', waitingFor: { reason: 'CANCELLING' } })
    fleet.untilStatus('CANCELLED').thenCounts({ FAILED: 0 })
    expect(podsIn(fleet)).toHaveLength(10)
  })

  test.each(['lost', 'doneAndLost', 'late'] as const)('whichever worker is lost with its act: %s', (fate) => {
    for (let looks = 0; looks < 12; looks++) {
      const fleet = given(canary).until(moving).when('cancel')
      for (let n = 0; n < looks; n++) fleet.next()
      fleet.next(fate).untilStatus('CANCELLED').thenCounts({ FAILED: 0, COMPLETED: 3 })
      expect(podsIn(fleet)).toHaveLength(10)
    }
  })

  test('what a fleet that is still being built up has not made a pod of was never in the middle', () => {
    const building = { size: 10, kind: 'ordered', inTurn: true, present: 1, spec: canary.spec } as const
    for (let looks = 0; looks < 12; looks++) {
      const fleet = given(building)
      for (let n = 0; n < looks; n++) fleet.next()
      fleet.next('refused').when('cancel').untilStatus('CANCELLED').thenCounts({ FAILED: 0 })
      expect(leftInTheMiddle(fleet.execution)).toEqual([])
    }
  })

  test('until when it is waited for is said', () => {
    const fleet = given(canary).until(moving).when('cancel').next()
    expect(fleet.execution.waitingFor).toMatchObject({ reason: 'CANCELLING', detail: '3 instances in flight' })
    expect(fleet.execution.waitingFor?.until ?? 0).toBeGreaterThan(fleet.simulation.now + 20_000)
  })
})
