import { describe, expect, test } from 'vitest'
import { followLeaving, limitOf, settlesBy, stopping } from './leaving.ts'
import type { Execution, Instance, Member, Side, Stage } from './model.ts'
import { bind, type Fleet, membersOf, newInstance } from './slots.ts'
import { Simulation } from './testing/simulation.ts'

const base = new Simulation({ size: 1, kind: 'ordered', spec: { healthCheckTimeoutSeconds: 60 } })
const seconds = (at: number): number => at * 1000

/** The pod of that number in the only place; with `goneBy` (seconds) it is on its way out. */
function pod(n: number, side: Side, goneBy: number | null = null): Member {
  const terminating = goneBy === null ? { terminating: false } : { terminating: true, goneBy: seconds(goneBy) }
  return { pod: { name: 'app-0', uid: `uid-${n}` }, key: '0', side, ready: false, ...terminating, problem: null }
}

/** An execution of one place that was let go at 0, and what is made of each look at it. */
class Place {
  execution: Execution

  constructor(first: Member, stage: Stage, change: Partial<Instance> = {}) {
    const instance = {
      ...newInstance(base.execution.id, 0, first, 'TARGET'),
      status: 'UPGRADING',
      startedAt: 0,
    } as const
    const status = stage === 'reverting' || stage === 'restoring' ? 'ROLLING_BACK' : 'IN_PROGRESS'
    this.execution = { ...base.execution, status, stage, stageSince: 0, instances: [{ ...instance, ...change }] }
  }

  look(at: number, ...members: readonly Member[]): this {
    const { fleet: seen } = base.observe() as { fleet: Fleet }
    const fleet: Fleet = { ...seen, members }
    const instances = bind(this.execution, fleet, membersOf(fleet), seconds(at))
    this.execution = followLeaving({ ...this.execution, instances }, fleet, seconds(at))
    return this
  }

  get instance(): Instance {
    return this.execution.instances[0] as Instance
  }

  /** When its time is over, and that of the stage; in seconds. */
  get limit(): number {
    return limitOf(this.execution, this.instance, 0) / 1000
  }
  get stageLimit(): number {
    return settlesBy(this.execution) / 1000
  }
}

/** Pods of one side of which each is told to go after 10 s and has gone 29 s later, with 40 s to do so, eight times. */
function takenAgainAndAgain(place: Place, side: Side): readonly Place['limit'][] {
  return Array.from({ length: 8 }, (_, n) => {
    const at = n * 40
    place.look(at, pod(n, side)).look(at + 10, pod(n, side, at + 50))
    const whileGoing = [place.limit, place.stageLimit]
    place.look(at + 39)
    return [...whileGoing, place.limit, place.stageLimit]
  }).flat()
}

describe('the time of an instance', () => {
  test('counts from when its old pod has gone, and until then from the end of its grace period', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30))
    expect(stopping(place.instance)).toBe('app-0 is stopping')
    expect(place.limit).toBe(30 + 60)
    expect(place.look(20).limit).toBe(20 + 60)
    expect(stopping(place.instance)).toBeNull()
  })

  test('counts on where the new pod is there already', () => {
    const place = new Place(pod(0, 'previous'), 'moving')
    place.look(1, pod(0, 'previous', 30), pod(1, 'target'))
    expect(place.limit).toBe(60)
    expect(place.look(20, pod(1, 'target')).limit).toBe(60)
  })

  test('does not begin anew with each new pod that somebody takes away', () => {
    const place = new Place(pod(0, 'target'), 'moving')
    expect(Math.max(...takenAgainAndAgain(place, 'target'))).toBe(60)
  })

  test('begins anew once, also where old pods come and go', () => {
    const place = new Place(pod(0, 'previous'), 'moving')
    takenAgainAndAgain(place, 'previous')
    expect(place.limit).toBe(39 + 60)
  })

  test('is not moved on by old pods that are told to go before the last has gone', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30))
    place.look(20, pod(0, 'previous', 30), pod(1, 'previous'))
    place.look(25, pod(0, 'previous', 30), pod(1, 'previous', 300))
    expect(place.limit).toBe(30 + 60)
    expect(place.look(28, pod(1, 'previous', 300)).limit).toBe(28 + 60)
    expect(place.look(200).limit).toBe(28 + 60)
  })

  test('is not moved on by a look of before that shows the pod again', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30)).look(20)
    place.look(25, pod(0, 'previous', 30)).look(29)
    expect(place.limit).toBe(20 + 60)
  })

  test('does not wait for a pod that outlives its grace period by as long as an instance may take', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30))
    expect(place.look(89, pod(0, 'previous', 30), pod(1, 'target')).instance.leaving).not.toBeNull()
    expect(place.look(90, pod(0, 'previous', 30), pod(1, 'target')).instance.leaving).toBeNull()
    expect(place.look(500, pod(1, 'target')).limit).toBe(60)
  })

  test('is over so long after the grace period of a pod that nothing can take the place of, which is told', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30))
    expect(place.look(90, pod(0, 'previous', 30)).limit).toBe(30 + 60)
    expect(stopping(place.instance)).toBe('app-0 is stopping')
  })

  test('begins anew once more when it has its turn again', () => {
    const place = new Place(pod(0, 'previous'), 'moving').look(1, pod(0, 'previous', 30)).look(20)
    const change = (one: Partial<Instance>) => {
      place.execution = { ...place.execution, instances: [{ ...place.instance, ...one }] }
    }
    change({ status: 'PENDING', startedAt: null })
    place.look(100, pod(1, 'previous'))
    change({ status: 'UPGRADING', startedAt: seconds(100) })
    expect(place.look(101, pod(1, 'previous', 120)).look(110).limit).toBe(110 + 60)
  })
})

describe('the time of a stage', () => {
  test.each(['opening', 'reverting', 'restoring'] as const)(
    'counts in %s from when the pods that it leaves have gone',
    (stage) => {
      const side = stage === 'opening' ? 'previous' : 'target'
      const place = new Place(pod(0, side), stage).look(1, pod(0, side, 30))
      expect(place.stageLimit).toBe(30 + 60)
      expect(place.look(20).stageLimit).toBe(20 + 60)
    },
  )

  test.each([
    ['opening', 'target'],
    ['reverting', 'previous'],
    ['restoring', 'previous'],
  ] as const)('does not begin anew in %s with each pod of the %s version that somebody takes away', (stage, side) => {
    const place = new Place(pod(0, side), stage, { status: stage === 'opening' ? 'COMPLETED' : 'ROLLED_BACK' })
    expect(Math.max(...takenAgainAndAgain(place, side))).toBe(60)
    expect(place.execution.stageSince).toBe(0)
  })

  test.each([
    ['opening', 'previous'],
    ['reverting', 'target'],
    ['restoring', 'target'],
  ] as const)('begins anew once a place in %s, also where pods of the %s version come and go', (stage, side) => {
    const place = new Place(pod(0, side), stage)
    takenAgainAndAgain(place, side)
    expect(place.stageLimit).toBe(39 + 60)
  })

  test('on the way back it waits for a pod that was told to go before', () => {
    const place = new Place(pod(0, 'previous'), 'reverting').look(1, pod(0, 'previous', 30))
    expect(place.stageLimit).toBe(30 + 60)
    expect(place.look(20).stageLimit).toBe(20 + 60)
    expect(Math.max(...takenAgainAndAgain(place, 'previous'))).toBe(20 + 60)
  })
})
