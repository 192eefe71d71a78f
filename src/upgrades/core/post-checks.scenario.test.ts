import { expect, test } from 'vitest'
import type { Execution } from './model.ts'
import { breakPod, killPod, scale } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

/** Post-checks have the patience of health checks (SPEC section 5, "Safety" and "Checks"). */
const auto = { autoRollbackEnabled: true } as const

/** An upgrade whose post-checks are about to be made, with that much patience. */
const verifying = (size: number, more: Setup = {}) =>
  given({
    size,
    ...more,
    spec: { ...auto, healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 10, ...more.spec },
  }).until(({ stage }) => stage === 'verifying')
const isMissing = ({ waitingFor }: Execution) => waitingFor?.reason === 'CHECKS' && waitingFor.detail !== undefined
const post = ({ checks }: Execution) => checks.filter(({ phase }) => phase === 'POST').map(({ status }) => status)

test('a failed post-check counts as the threshold reached', () => {
  const scenario = verifying(4)
  const began = scenario.simulation.now
  scenario
    .inCluster((world, now) => breakPod(world, 0, now))
    .until(isMissing, 'a post-check has not passed')
    .so(({ waitingFor, checks, stageSince }) => {
      expect(waitingFor).toEqual({ reason: 'CHECKS', until: stageSince + 10_000, detail: 'READY: not all are ready' })
      expect(checks.at(-1)).toMatchObject({ name: 'READY', status: 'PENDING' })
    })
    .untilStatus('ROLLING_BACK')
    .so((execution, { now }) => {
      expect([post(execution), now - began >= 10_000]).toEqual([['FAILED'], true])
    })
    .untilStatus('ROLLED_BACK')
    .thenReason('POST_CHECKS_FAILED')
})

test.each(['surging', 'ordered'] as const)('a pod that is away for a moment fails no post-check: %s', (kind) => {
  verifying(3, { kind })
    .inCluster((world, now) => killPod(world, 1, now))
    .until(isMissing, 'a post-check has not passed')
    .untilStatus('COMPLETED')
    .so((execution) => expect(post(execution)).toEqual(['PASSED']))
})

test('instances that the cluster adds while it is verified have the time of any', () => {
  verifying(3, { kind: 'ordered', faults: { readySeconds: 6 } })
    .inCluster((world, now) => killPod(world, 0, now))
    .until(isMissing, 'a post-check has not passed')
    .afterSeconds(5)
    .inCluster((world, now) => scale(world, 5, now))
    .untilStatus('COMPLETED')
    .thenOnTarget(5)
})

test('time at 0 is not on the account of a post-check', () => {
  verifying(3)
    .inCluster((world, now) => scale(world, 0, now))
    .until(({ waitingFor }) => waitingFor?.reason === 'NO_INSTANCES', 'there is no instance')
    .afterSeconds(6)
    .so(({ stageSince }, { now }) => expect(now - stageSince).toBeLessThan(3_000))
    .inCluster((world, now) => scale(world, 3, now))
    .untilStatus('COMPLETED')
})

test('a post-check has all its time again after a pause', () => {
  verifying(3)
    .inCluster((world, now) => killPod(world, 1, now))
    .until(isMissing, 'a post-check has not passed')
    .when('pause')
    .afterSeconds(60)
    .inCluster((world, now) => killPod(world, 2, now))
    .when('resume')
    .untilStatus('COMPLETED')
})

test('time in which nobody looked is not on the account of a post-check', () => {
  verifying(3)
    .inCluster((world, now) => killPod(world, 1, now))
    .until(isMissing, 'a post-check has not passed')
    .so((_, simulation) => {
      simulation.now += 60_000
      simulation.world = killPod(simulation.world, 2, simulation.now)
    })
    .untilStatus('COMPLETED')
})

test('an autoscaler that flaps does not keep it waiting for ever', () => {
  const scenario = verifying(3, {
    kind: 'ordered',
    faults: { readySeconds: 3 },
    spec: { healthCheckTimeoutSeconds: 20 },
  })
  const began = scenario.simulation.now
  // One is never ready, each time another; and one more comes, passes and goes.
  for (let n = 0; n < 200 && scenario.execution.stage === 'verifying'; n++) {
    if (n % 2 === 0) scenario.inCluster((world, now) => killPod(world, (n / 2) % 3, now))
    if (n % 8 === 0) scenario.inCluster((world, now) => scale(world, 4, now))
    if (n % 8 === 7) scenario.inCluster((world, now) => scale(world, 3, now))
    scenario.afterSeconds(1)
  }
  expect(scenario.simulation.now - began).toBeLessThan(60_000)
  scenario.untilStatus('ROLLED_BACK').thenReason('POST_CHECKS_FAILED')
})

test('a post-check that never passes without auto-rollback: FAILED', () => {
  verifying(3, { spec: { autoRollbackEnabled: false } })
    .inCluster((world, now) => breakPod(world, 0, now))
    .untilStatus('FAILED')
    .thenReason('POST_CHECKS_FAILED')
    .so((execution) => expect(post(execution)).toEqual(['FAILED']))
})
