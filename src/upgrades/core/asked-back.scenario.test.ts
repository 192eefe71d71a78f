import { describe, expect, test } from 'vitest'
import { isOnTarget } from './instances.ts'
import type { Execution, Instance } from './model.ts'
import { advance } from './rehearsal/fleet.ts'
import { fleetKinds, type World } from './rehearsal/world.ts'
import { breakPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

// Before a ready pod goes back it is asked whether it may, in every kind of fleet, as on the way forward.

const kinds = fleetKinds.filter((kind) => kind !== 'each')
const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 60, maxUnavailablePercentage: 50 }
const half: Setup = { size: 6, spec: { ...brief, batchSize: 3, batchDelaySeconds: 3600 } }
const cases = kinds.flatMap((kind) => [0, 2].map((room) => [kind, room] as const))

/** From now on so many are wanted ready. */
const wants =
  (minAvailable: number) =>
  (world: World, now: number): World => ({ ...advance(world, now), minAvailable })

const isHalf = ({ instances }: Execution) => instances.filter(isOnTarget).length === 3 && instances.every(isAtRest)
const isAtRest = ({ status, nextPod }: Instance) => nextPod === null && (status === 'COMPLETED' || status === 'PENDING')
const moved = (setup: Setup) => given({ ...half, ...setup }).until(isHalf)

describe('a budget on the way back', () => {
  test.each(cases)('is held at every moment: %s, room for %i', (kind, room) => {
    const fleet = moved({ kind, room }).inCluster(wants(5)).when('rollback')
    fleet.fewestReady = 6
    fleet.untilStatus('ROLLED_BACK')
    expect(fleet.fewestReady).toBeGreaterThanOrEqual(5)
  })

  test.each(cases)('that lets nobody go is told, waited for and named at the end: %s, room for %i', (kind, room) => {
    const fleet = moved({ kind, room }).inCluster(wants(9)).when('rollback').untilWaiting('REVERTING')
    fleet.until(({ waitingFor }) => waitingFor?.detail?.includes('disruption budget') === true)
    fleet.untilStatus('FAILED').thenReason('NOT_BACK_IN_TIME').thenOnTarget(3)
    const { transitions, instances, frozen } = fleet.execution
    expect(transitions.at(-1)?.reason).toContain('3 instances are not back; its disruption budget wants 9')
    const failed = instances.filter(({ status }) => status === 'FAILED').map(({ message }) => message)
    expect(failed).toEqual(Array(3).fill('its disruption budget wants 9 and has 6'))
    expect(frozen).toBe(true)
  })

  test.each(cases)('that lets them go in time does not stop it: %s, room for %i', (kind, room) => {
    moved({ kind, room })
      .inCluster(wants(9))
      .when('rollback')
      .untilWaiting('REVERTING')
      .afterSeconds(30)
      .thenOnTarget(3)
      .inCluster(wants(5))
      .untilStatus('ROLLED_BACK')
  })

  test.each(cases)('keeps no broken pod of the abandoned version: %s, room for %i', (kind, room) => {
    const fleet = given({ ...half, kind, room, spec: { ...half.spec, autoRollbackEnabled: true, failureThreshold: 1 } })
      .until(isHalf)
      .inCluster(wants(6))
    const at = advance(fleet.simulation.world, fleet.simulation.now).pods.findIndex(({ side }) => side === 'target')
    fleet.inCluster((world, now) => breakPod(world, at, now)).when('rollback')
    const gone = ({ instances }: typeof fleet.execution) => instances.filter(({ ready }) => ready).length === 6
    fleet.untilWaiting('REVERTING').until(gone, 'the broken one is replaced')
  })

  test.each(kinds)('of ours that instances of others use up is told, and they are named at the end: %s', (kind) => {
    const fleet = moved({ kind, room: 0 })
    for (const [nth, { side }] of fleet.world.pods.entries()) {
      if (side === 'previous') fleet.inCluster((world, now) => breakPod(world, nth, now))
    }
    fleet.when('rollback').untilWaiting('REVERTING')
    fleet.until(({ waitingFor }) => waitingFor?.detail?.includes('0 of 6 are back; not ready: pod-') === true)
    fleet.untilStatus('FAILED').thenReason('NOT_BACK_IN_TIME')
    expect(fleet.execution.transitions.at(-1)?.reason).toMatch(
      /6 instances are not back; not ready: pod-\S+, pod-\S+, pod-/,
    )
  })

  test('is not asked where it is not on the way forward either', () => {
    given({ ...half, spec: { ...half.spec, strategy: 'RECREATE' } })
      .until(({ instances }) => instances.every(({ status }) => status === 'COMPLETED'))
      .inCluster(wants(9))
      .when('rollback')
      .untilStatus('ROLLED_BACK')
  })
})
