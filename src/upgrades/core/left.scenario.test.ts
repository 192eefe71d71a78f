import { describe, expect, test } from 'vitest'
import { validCommands } from './command.ts'
import { hasKnownVersion } from './instances.ts'
import type { Execution, Instance } from './model.ts'
import { type FleetKind, fleetKinds } from './rehearsal/world.ts'
import { killPod } from './testing/disturb.ts'
import { given, type Scenario } from './testing/scenario.ts'

const quick = { batchSize: 2, batchDelaySeconds: 0, maxUnavailablePercentage: 50, healthCheckIntervalSeconds: 2 }
const faults = { readySeconds: 6 }
const completed = ({ instances }: Execution) => instances.filter(({ status }) => status === 'COMPLETED')

/** A cancel that does not wait, at every look of a batch, and of the way back from one. */
function* cancelled(kind: FleetKind, back: boolean): Generator<Scenario> {
  for (let looks = 0; looks < 40; looks++) {
    const fleet = given({ size: 6, kind, room: 0, faults, spec: quick }).until((one) => completed(one).length >= 2)
    if (back) fleet.when('rollback')
    for (let n = 0; n < looks; n++) fleet.next()
    if (!validCommands(fleet.execution).includes('cancel')) return
    yield fleet.when('cancelNow').until(({ endedAt }) => endedAt !== null)
  }
}

const says = ({ message }: Instance) => message ?? ''

describe.each(fleetKinds)('a cancel that does not wait: %s', (kind) => {
  test.each([
    ['in a batch', false],
    ['on the way back', true],
  ])('no instance stands for more than is seen of it: %s', (_, back) => {
    let leftInTheMiddle = 0
    for (const { execution } of cancelled(kind, back)) {
      leftInTheMiddle += execution.instances.filter((one) => says(one).startsWith('left in the middle')).length
      for (const one of execution.instances) {
        if (!hasKnownVersion(one)) expect(says(one)).toContain('its version is not known')
        if (one.status === 'COMPLETED') expect(one.nextPod !== null || one.side === 'target').toBe(true)
        if (one.status === 'ROLLED_BACK') expect(one.side).toBe('previous')
      }
    }
    // Helm is not cut off in the middle of a release.
    if (kind !== 'each' || back) expect(leftInTheMiddle).toBeGreaterThan(0)
  })
})

test('an instance that had passed and has lost its pod says that its version is not known', () => {
  const fleet = given({ size: 4, kind: 'ordered', faults, spec: quick })
    .until((one) => completed(one).length === 2)
    .inCluster((world, now) => killPod(world, 3, now))
    .when('cancelNow')
    .until(({ endedAt }) => endedAt !== null)
  const lost = fleet.execution.instances.find(({ key }) => key === '3')
  expect(lost).toMatchObject({ side: null, status: 'FAILED' })
  expect(lost?.message).toContain('its version is not known')
  expect(fleet.execution.rollbackInfo.currentFailures).toBe(0)
})
