import { describe, expect, test } from 'vitest'
import { Simulation } from './testing/simulation.ts'

// What is left of a freeze when operations, executions and other hands meet in it: nothing holds workloads unknown to all.

/** A release that an execution has left frozen. */
function frozen(): Simulation {
  const simulation = new Simulation({ wait: false })
  steps(simulation, 2)
  simulation.abandon()
  expect(simulation.state.release.frozen).not.toBeNull()
  expect(simulation.world.gate).toBe('frozen')
  return simulation
}

function steps(simulation: Simulation, count: number): void {
  for (let n = 0; n < count; n++) {
    simulation.step('done')
    simulation.now += 2_000
  }
}

describe('a freeze stays known', () => {
  test('a late write of the upgrade that took it over arrives while an execution holds the release', () => {
    const simulation = frozen()
    const operation = simulation.operation()
    const ifRevision = simulation.state.release.revision
    expect(simulation.command({ kind: 'upgrade', operation, ifRevision })).toBe(true)
    simulation.step('done')
    expect(simulation.world.gate).toBe('halted')
    simulation.step('lostLate')
    simulation.command({ kind: 'cancel', operationId: operation.id })
    steps(simulation, 3)
    expect(simulation.claim()).toBe(true)
    simulation.world.deliverLate()
    steps(simulation, 3)
    // By this the execution knows it from another hand's.
    expect(simulation.state.revisions.at(-1)).toMatchObject({ revision: ifRevision + 1, operationId: operation.id })
    expect(simulation.unclaim(false)).toBe(true)
    steps(simulation, 3)
    expect(simulation.state.release).toMatchObject({ status: 'FAILED', revision: ifRevision + 1, claim: null })
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([expect.anything(), 'halted'])
  })

  test('its gates come off though those of a freeze before it came off at the same revision', () => {
    const simulation = frozen()
    simulation.world.byHand('upgrade')
    simulation.world.byHand('uninstallKeeping')
    simulation.step('done')
    expect(simulation.world.gate).toBe('none')
    simulation.abandon()
    expect(simulation.state.release.frozen).toMatchObject({ over: true })
    expect(simulation.world.gate).toBe('frozen')
    steps(simulation, 3)
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([null, 'none'])
  })
})

describe('a freeze that another hand ends', () => {
  /** Looks once a second for so long, each act refused. Returns after how many seconds one was tried. */
  function refused(simulation: Simulation, seconds: number): readonly number[] {
    const [start, tried] = [simulation.now, [] as number[]]
    for (; simulation.now < start + seconds * 1_000; simulation.now += 1_000) {
      const before = simulation.attempt
      simulation.step('refused')
      if (simulation.attempt !== before) tried.push((simulation.now - start) / 1_000)
    }
    return tried
  }

  test('comes off after growing pauses while that is refused, and says why', () => {
    const simulation = frozen()
    simulation.world.byHand('upgrade')
    const start = simulation.now
    expect(refused(simulation, 1_000)).toEqual([0, 2, 6, 14, 30, 62, 126, 254, 510, 810])
    expect(simulation.state.release.waitingFor).toEqual({
      reason: 'THAWING',
      until: start + 1_110_000,
      detail: 'the workloads do not get their own fields back (helm_failed): simulated',
    })
    simulation.now = start + 1_110_000
    steps(simulation, 3)
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([null, 'none'])
    expect(simulation.state.release.waitingFor).toBeNull()
  })

  test('is tried at once for the next change of that hand', () => {
    const simulation = frozen()
    simulation.world.byHand('upgrade')
    refused(simulation, 100)
    simulation.world.byHand('upgrade')
    simulation.step('done')
    expect(simulation.world.gate).toBe('none')
  })
})

describe('a freeze beside a revision of another hand that has changed nothing', () => {
  const told = ({ events }: Simulation) => events.flatMap(({ data }) => data.reason ?? [])
  const stays = ({ state, world }: Simulation) => {
    expect([state.release.frozen?.over ?? null, world.gate]).toEqual([null, 'frozen'])
    expect(state.release.frozen).not.toBeNull()
  }
  const upgrade = (simulation: Simulation): boolean => {
    const operation = simulation.operation()
    return simulation.command({ kind: 'upgrade', operation, ifRevision: simulation.state.release.revision })
  }

  test('stays where that has failed: the release follows Helm, says so once, and an upgrade takes it over', () => {
    const simulation = frozen()
    const { revision } = simulation.state.release
    simulation.world.byHand('fails')
    steps(simulation, 5)
    stays(simulation)
    const followed = { status: 'FAILED', revision: revision + 1, pendingBy: null, performedBy: 'external' }
    expect(simulation.state.release).toMatchObject(followed)
    expect(told(simulation)).toEqual(['STILL_FROZEN'])
    // A template that is changed by hand later is no change of that revision.
    simulation.world.live = 'edited'
    steps(simulation, 5)
    stays(simulation)
    expect(upgrade(simulation)).toBe(true)
    steps(simulation, 6)
    expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', frozen: null })
  })

  test('stays while that is pending, which takes no upgrade, and after it has failed', () => {
    const simulation = frozen()
    simulation.world.byHand('pending')
    steps(simulation, 5)
    stays(simulation)
    expect(simulation.state.release).toMatchObject({ status: 'PENDING_UPGRADE', pendingBy: 'external' })
    expect(upgrade(simulation)).toBe(false)
    simulation.world.byHand('fails')
    steps(simulation, 3)
    stays(simulation)
    expect(simulation.state.release).toMatchObject({ status: 'FAILED', pendingBy: null })
  })

  test('ends as soon as that applies while it is pending, so that it need not wait for us', () => {
    const simulation = frozen()
    simulation.world.byHand('pending')
    steps(simulation, 3)
    simulation.world.byHand('applies')
    steps(simulation, 3)
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([null, 'none'])
    expect(simulation.state.release).toMatchObject({ status: 'PENDING_UPGRADE', pendingBy: 'external' })
  })

  test.each(['applies', 'fails'] as const)('left by an execution because of it, and then it %s', (then) => {
    const simulation = new Simulation({ wait: false })
    steps(simulation, 2)
    simulation.claim()
    simulation.order('upgrade', {})
    steps(simulation, 3)
    simulation.world.byHand('pending')
    steps(simulation, 4)
    expect(simulation.unclaim(true)).toBe(true)
    simulation.world.byHand(then)
    steps(simulation, 3)
    if (then === 'fails') return stays(simulation)
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([null, 'none'])
  })

  test.each([
    ['unchanged', 'frozen'],
    ['changed', 'none'],
  ] as const)('that is settled by force, the workloads %s', (what, gate) => {
    const simulation = frozen()
    simulation.world.byHand('pending')
    steps(simulation, 3)
    if (what === 'changed') simulation.world.byHand('applies')
    expect(simulation.command({ kind: 'recover', operation: simulation.operation(), force: true })).toBe(true)
    steps(simulation, 6)
    expect(simulation.state.release).toMatchObject({ status: 'FAILED', pendingBy: null })
    expect([simulation.state.release.frozen !== null, simulation.world.gate]).toEqual([gate === 'frozen', gate])
  })
})

test('what was made anew as it was held, without a freeze, is let go by the next operation', () => {
  const simulation = new Simulation({ wait: true })
  steps(simulation, 4)
  simulation.world.stillHeld = true
  const ifRevision = simulation.state.release.revision
  expect(simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision })).toBe(true)
  steps(simulation, 6)
  expect(simulation.world.stillHeld).toBe(false)
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', frozen: null, revision: ifRevision + 1 })
})

describe('a frozen fleet that another hand scales', () => {
  test('is counted anew at the next look, told once, and nothing is written while nothing changes', () => {
    const simulation = frozen()
    simulation.world.frozenVersions = { a: 1, b: 1 }
    steps(simulation, 1)
    const [left, told] = [simulation.state, simulation.events.length]
    steps(simulation, 3)
    expect([simulation.state.release, simulation.events.length]).toEqual([left.release, told])
    expect(simulation.state.release).toBe(left.release)
    expect(simulation.due).toBeLessThanOrEqual(simulation.now + 5_000)
    simulation.world.frozenVersions = { b: 1, a: 3 }
    steps(simulation, 3)
    expect(simulation.state.release.frozen).toEqual({ ...left.release.frozen, versions: { a: 3, b: 1 } })
    expect(simulation.events.slice(told).map(({ data }) => data)).toEqual([
      expect.objectContaining({ reason: 'FROZEN_RECOUNTED', versions: { a: 3, b: 1 } }),
    ])
  })

  test("is its execution's while one holds the release", () => {
    const simulation = frozen()
    simulation.world.frozenVersions = { a: 3, b: 1 }
    expect(simulation.claim()).toBe(true)
    steps(simulation, 2)
    expect(simulation.state.release.frozen?.versions).toEqual({ a: 1, b: 1 })
  })
})

describe('pinned traffic of a frozen release', () => {
  const outage = { kind: 'outage', service: 'web', to: '1.1.0', detail: 'nobody is ready' } as const
  const reason = ({ state }: Simulation) => state.release.waitingFor?.reason ?? null
  const told = ({ events }: Simulation) =>
    events.flatMap(({ data }) => (data.reason === undefined ? [] : [data.reason]))

  test('that cannot be seen is looked at again, and what was told of it stays told', () => {
    const simulation = frozen()
    simulation.world.traffic = { ...outage, to: null }
    steps(simulation, 1)
    const { release } = simulation.state
    expect(reason(simulation)).toBe('PIN_SERVES_NOBODY')
    simulation.world.traffic = { kind: 'unseen' }
    steps(simulation, 2)
    expect(simulation.state.release).toBe(release)
    expect(simulation.due).toBeLessThanOrEqual(simulation.now + 5_000)
  })

  test('goes to a set that has passed when it serves nobody, once that is done it is told', () => {
    const simulation = frozen()
    simulation.world.traffic = outage
    simulation.step('refused')
    expect(reason(simulation)).toBe('MOVING_PIN')
    steps(simulation, 5)
    expect(simulation.world.traffic).toEqual({ kind: 'serves', pins: { web: '1.1.0' } })
    expect([reason(simulation), told(simulation)]).toEqual([null, ['PIN_MOVED']])
    expect([simulation.state.release.frozen, simulation.world.gate]).toEqual([expect.anything(), 'frozen'])
  })

  test('is tried again after growing pauses while that is refused: the release says why, and sees when it is over', () => {
    const simulation = frozen()
    simulation.world.traffic = outage
    const start = simulation.now
    const tried: number[] = []
    for (; simulation.now < start + 1_300_000; simulation.now += 1_000) {
      const before = simulation.attempt
      simulation.step('refused')
      if (simulation.attempt !== before) tried.push((simulation.now - start) / 1_000)
    }
    expect(tried).toEqual([0, 5, 15, 35, 75, 155, 315, 615, 915, 1215])
    const { waitingFor } = simulation.state.release
    expect(waitingFor).toEqual({
      reason: 'MOVING_PIN',
      until: start + 1_515_000,
      detail: 'nobody is ready; moving it failed (helm_failed): simulated',
    })
    expect(simulation.due).toBeLessThanOrEqual(simulation.now + 5_000)
    simulation.world.traffic = { kind: 'serves', pins: { web: '1.0.0' } }
    steps(simulation, 1)
    expect([reason(simulation), told(simulation)]).toEqual([null, []])
  })

  test('is told of the Service that was moved, whatever others are pinned to', () => {
    const simulation = frozen()
    simulation.world.traffic = { ...outage, service: 'api' }
    steps(simulation, 1)
    simulation.world.traffic = { kind: 'serves', pins: { web: '1.1.0', api: '1.0.0' } }
    steps(simulation, 1)
    expect([reason(simulation), told(simulation)]).toEqual([null, []])
    simulation.now += 5_000
    simulation.world.traffic = { ...outage, service: 'api' }
    steps(simulation, 1)
    simulation.world.traffic = { kind: 'serves', pins: { web: '1.0.0', api: '1.1.0' } }
    steps(simulation, 1)
    expect([reason(simulation), told(simulation)]).toEqual([null, ['PIN_MOVED']])
    expect(simulation.events.at(-1)?.data).toMatchObject({ version: '1.1.0' })
  })

  test('is moved at once to another set than the one that it was refused to', () => {
    const simulation = frozen()
    simulation.world.traffic = outage
    simulation.step('refused')
    simulation.world.traffic = { ...outage, to: '1.0.0' }
    simulation.step('done')
    expect(simulation.world.traffic).toEqual({ kind: 'serves', pins: { web: '1.0.0' } })
  })

  test('where nobody can serve the release says so, once, until it does', () => {
    const simulation = frozen()
    simulation.world.traffic = { ...outage, to: null }
    steps(simulation, 3)
    const { waitingFor } = simulation.state.release
    expect(waitingFor).toMatchObject({ reason: 'PIN_SERVES_NOBODY', detail: 'nobody is ready' })
    simulation.world.traffic = { kind: 'serves', pins: { web: '1.0.0' } }
    steps(simulation, 1)
    expect([reason(simulation), told(simulation)]).toEqual([null, ['PIN_SERVES_NOBODY']])
  })

  test('is left to the execution that holds the release', () => {
    const simulation = frozen()
    simulation.world.traffic = outage
    simulation.claim()
    steps(simulation, 3)
    expect(simulation.world.traffic.kind).toBe('outage')
    expect(reason(simulation)).toBe('UPGRADE_EXECUTION')
  })
})
