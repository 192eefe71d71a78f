import { expect, test } from 'vitest'
import { given } from './testing/scenario.ts'

test.each([2, 5, 9.9, 10.1, 15])('a restart of %s s in which nobody looked fails no healthy instance', (seconds) => {
  const quick = { healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 6 }
  for (let looks = 0; looks < 12; looks++) {
    const scenario = given({ size: 5, spec: { ...quick, strategy: 'RECREATE', failureThreshold: 1 } }).untilBatch(1)
    for (let n = 0; n < looks; n++) scenario.next()
    scenario.simulation.now += seconds * 1000
    scenario.untilStatus('COMPLETED').thenCounts({ COMPLETED: 5 })
  }
})

test('a restart does not change when the instances of a green set passed', () => {
  const scenario = given({ size: 3, spec: { strategy: 'BLUE_GREEN' } }).untilWaiting('WATCHING_THE_SWITCH')
  const passed = scenario.execution.instances.map(({ endedAt }) => endedAt)
  scenario.simulation.now += 60_000
  scenario.next()
  expect(scenario.execution.instances.map(({ endedAt }) => endedAt)).toEqual(passed)
})
