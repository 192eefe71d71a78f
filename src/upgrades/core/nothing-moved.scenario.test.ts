import { describe, expect, test } from 'vitest'
import type { FleetKind } from './rehearsal/world.ts'
import { given } from './testing/scenario.ts'
import { Simulation, say } from './testing/simulation.ts'

/** A controller is slow: for so long no look shows which template is the present one, or whether the others are uniform. */
function unseenFor(simulation: Simulation, ms: number, what: 'template' | 'others'): void {
  const [observe, end] = [simulation.observe.bind(simulation), simulation.now + ms]
  simulation.observe = () => {
    const seen = observe()
    if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present' || simulation.now >= end) return seen
    const others = what === 'others' ? { ...seen.fleet.others, uniform: false } : seen.fleet.others
    return { ...seen, fleet: { ...seen.fleet, others, template: what === 'template' ? null : seen.fleet.template } }
  }
}

describe('helm has failed before it changed a pod', () => {
  const kinds: readonly FleetKind[] = ['surging', 'ordered', 'nodes']
  const cases = kinds.flatMap((kind) => (['template', 'others'] as const).map((what) => [kind, what] as const))

  test.each(cases)('nothing stays held, though the controllers are slow to say so: %s, %s', (kind, what) => {
    const fleet = given({ size: 3, kind, faults: { deployFails: true } })
    fleet.until(({ deployed }) => deployed)
    unseenFor(fleet.simulation, 2_500, what)
    fleet.until(({ endedAt }) => endedAt !== null)
    expect([fleet.execution.status, fleet.execution.frozen, fleet.world.gate.kind]).toEqual(['FAILED', false, 'none'])
  })

  test('a fleet of which that never shows is left frozen', () => {
    const simulation = new Simulation({ size: 3, faults: { deployFails: true } })
    simulation.command(say.start)
    unseenFor(simulation, 3_600_000, 'template')
    simulation.run()
    expect([simulation.execution.status, simulation.execution.frozen]).toEqual(['FAILED', true])
  })
})
