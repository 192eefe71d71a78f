import { describe, expect, test } from 'vitest'
import type { Execution } from './model.ts'
import { killPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

// A StatefulSet's controller makes the pods of a batch one after another: each has its time from its turn on.

const brief = { healthCheckIntervalSeconds: 2, healthCheckTimeoutSeconds: 8, batchDelaySeconds: 0, failureThreshold: 1 }
const slow = { readySeconds: 5 }
const ordered: Setup = { kind: 'ordered', inTurn: true, faults: slow }

/** When those that failed did, in seconds since the batch was chosen. */
const failedAfter = ({ instances, batchSince }: Execution) =>
  instances.flatMap(({ key, status, endedAt }) =>
    status === 'FAILED' ? [[key, Math.round(((endedAt ?? 0) - (batchSince ?? 0)) / 1000)]] : [],
  )

describe('a batch of an ordered fleet whose pods come up one after another', () => {
  test.each([true, false])('is COMPLETED where each pod is up in time, made one by one: %s', (inTurn) => {
    given({ ...ordered, inTurn, size: 6, spec: { ...brief, batchSize: 3, maxUnavailablePercentage: 50 } })
      .untilStatus('COMPLETED')
      .so(({ rollbackInfo }) => expect(rollbackInfo.currentFailures).toBe(0))
  })

  test.each(['ROLLING', 'RECREATE', 'CANARY'] as const)('is COMPLETED in %s', (strategy) => {
    const spec = { ...brief, strategy, batchSize: 5, canaryPercentage: 80, maxUnavailablePercentage: 100 }
    const fleet = given({ ...ordered, size: 5, spec })
    if (strategy === 'CANARY') fleet.untilStatus('CANARY_MONITORING').when('promote')
    fleet.untilStatus('COMPLETED')
  })

  test('has its time also where old pods take longer to stop than a new one has', () => {
    const stopping = { takesMs: 20_000, graceMs: 30_000 }
    given({
      ...ordered,
      size: 6,
      stopping,
      spec: { ...brief, batchSize: 3, maxUnavailablePercentage: 50 },
    }).untilStatus('COMPLETED')
  })

  test('an instance that is never up fails at its own limit, and those that wait for it after theirs, from then on', () => {
    const spec = { ...brief, strategy: 'RECREATE', failureThreshold: 10 } as const
    given({ ...ordered, size: 4, spec, faults: { ...slow, neverReady: [1] } })
      .untilStatus('FAILED')
      .thenReason('INSTANCES_FAILED')
      .so((execution) => {
        const after = new Map(failedAfter(execution) as [string, number][])
        expect([...after.keys()].sort()).toEqual(['1', '2', '3'])
        // Five for the first, eight for the second, and eight for both of the others at once; and looks in between.
        expect(after.get('1')).toBeLessThanOrEqual(5 + 8 + 3)
        expect(after.get('2')).toBeLessThanOrEqual(5 + 8 + 8 + 6)
        expect(after.get('3')).toBe(after.get('2'))
      })
  })

  test('a batch of one has the time that it always had', () => {
    given({ ...ordered, size: 3, spec: { ...brief, batchSize: 1 }, faults: { neverReady: [2] } })
      .untilStatus('FAILED')
      .so((execution) => {
        const [[, after] = ['', 0]] = failedAfter(execution) as [string, number][]
        expect(after).toBeGreaterThanOrEqual(8)
        expect(after).toBeLessThanOrEqual(10)
      })
  })

  test('pods that come all at once have no more time than any', () => {
    const spec = { ...brief, strategy: 'RECREATE', failureThreshold: 10 } as const
    given({ kind: 'ordered', size: 4, spec, faults: { neverReady: [0, 1, 2, 3] } })
      .untilStatus('FAILED')
      .so((execution) => {
        expect(failedAfter(execution).map(([, after]) => Number(after) <= 11)).toEqual([true, true, true, true])
      })
  })

  test('one that has had its turn does not get another, however often its pod goes', () => {
    const spec = { ...brief, strategy: 'RECREATE' } as const
    const fleet = given({ ...ordered, size: 2, spec, faults: { readySeconds: 1_000 } })
    fleet.until(({ instances }) => instances.some(({ status }) => status === 'UPGRADING'))
    const { simulation } = fleet
    const begun = simulation.now
    while (!simulation.ended && simulation.now < begun + 600_000) {
      simulation.next()
      fleet.inCluster((world, now) => killPod(world, world.serial, now))
    }
    expect([fleet.execution.status, simulation.now - begun <= 40_000]).toEqual(['FAILED', true])
  })
})
