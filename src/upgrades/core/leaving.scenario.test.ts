import { describe, expect, test } from 'vitest'
import { isInFlight } from './instances.ts'
import { advance } from './rehearsal/fleet.ts'
import { refOf, toldToGo, type World, type WorldSide } from './rehearsal/world.ts'
import { given } from './testing/scenario.ts'

const quick = { batchSize: 1, healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 10, batchDelaySeconds: 0 }
/** They take 20 s and are given 5. */
const outliving = { takesMs: 20_000, graceMs: 5_000 }
const never = { takesMs: 86_400_000, graceMs: 5_000 }

/** Somebody tells every pod of that side to go which is not going yet. */
function takeAll(stored: World, side: WorldSide, now: number): World {
  const world = advance(stored, now)
  const pods = world.pods.map((pod) => (pod.side === side && pod.goneAt === null ? toldToGo(world, pod) : pod))
  return advance({ ...world, pods }, now)
}

describe('pods that outlive their grace period', () => {
  test('are waited for by as long as an instance may take: one that goes within it fails nobody', () => {
    const spec = { ...quick, healthCheckTimeoutSeconds: 16 }
    given({ size: 2, kind: 'ordered', spec, stopping: outliving })
      .untilStatus('COMPLETED')
      .thenCounts({ COMPLETED: 2 })
      .so(({ rollbackInfo }) => expect(rollbackInfo.currentFailures).toBe(0))
  })

  test('and no longer: a place that stays empty is FAILED, and says who is stopping', () => {
    given({ size: 2, kind: 'ordered', spec: quick, stopping: never })
      .until(({ instances }) => instances.some(({ status }) => status === 'FAILED'))
      .so(({ instances, createdAt }) => {
        const [failed] = instances.filter(({ status }) => status === 'FAILED')
        expect(failed?.message).toMatch(/is stopping$/)
        const took = ((failed?.endedAt ?? 0) - createdAt) / 1000
        expect(took).toBeGreaterThanOrEqual(15)
        expect(took).toBeLessThan(25)
      })
  })

  test('beside new ones that are there, they are left behind', () => {
    const { simulation, world } = given({ size: 2, spec: quick, stopping: never }).untilStatus('COMPLETED')
    expect(world.pods.filter(({ goneAt }) => goneAt !== null).map((pod) => refOf(world, pod).uid)).toHaveLength(2)
    expect((simulation.now - simulation.execution.createdAt) / 1000).toBeGreaterThan(2 * 15)
  })
})

test('an instance whose new pods are taken away each time is FAILED within its time', () => {
  const scenario = given({ size: 2, kind: 'ordered', spec: quick, faults: { readySeconds: 5 } })
  scenario.until(({ instances }) => instances.some(isInFlight))
  const since = scenario.simulation.now
  scenario.until(({ instances }) => {
    scenario.inCluster((world, now) => takeAll(world, 'target', now))
    return instances.some(({ status }) => status === 'FAILED')
  })
  expect((scenario.simulation.now - since) / 1000).toBeLessThan(13)
})

test('a green pod that came and went unseen is waited for all the same', () => {
  const scenario = given({ size: 1, spec: { ...quick, strategy: 'BLUE_GREEN' } })
  scenario.until(({ instances }) => instances.some(isInFlight)).next('done', 'blind')
  scenario.when('rollback').untilStatus('ROLLED_BACK')
  expect(scenario.world.pods.map(({ side, goneAt }) => [side, goneAt])).toEqual([['previous', null]])
})
