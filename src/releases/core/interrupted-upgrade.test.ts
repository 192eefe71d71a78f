import { expect, test } from 'vitest'
import { Simulation } from './testing/simulation.ts'

test.each([
  ['rendered some', true, 'FAILED'],
  ['rendered none of them', false, 'SUCCEEDED'],
])('an upgrade of a chart with hooks that was cut off and %s', (_, rendersHooks, status) => {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.world.rendersHooks = rendersHooks
  simulation.command({ kind: 'upgrade', operation: simulation.operation({ hasHooks: true }), ifRevision: 1 })
  simulation.step('lostPending')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({
    status,
    error: rendersHooks ? { code: 'interrupted' } : null,
  })
})
