import { test } from 'vitest'
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
