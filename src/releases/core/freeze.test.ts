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
