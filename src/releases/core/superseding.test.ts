import { expect, test } from 'vitest'
import { Simulation } from './testing/simulation.ts'

/** An upgrade that helm has applied while the cluster refused that the revision before is called superseded. */
function superseding(atomic = false): Simulation {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation({ atomic }), ifRevision: 1 })
  simulation.step('unsuperseded')
  simulation.step('refused')
  expect(simulation.state.operation?.phase).toEqual({ name: 'superseding' })
  return simulation
}

const cancelled = { status: 'FAILED', error: { code: 'cancelled' } }

test('a request to cancel ends it at once, though that stays refused', () => {
  const simulation = superseding()
  const { now } = simulation
  simulation.command({ kind: 'cancel', operationId: simulation.state.operation?.id ?? '' })
  for (let n = 0; n < 4; n++) simulation.step('done')
  expect(simulation.state.operation?.outcome).toMatchObject(cancelled)
  expect(simulation.now).toBe(now)
  expect(simulation.world.revisions.map(({ status }) => status)).toEqual(['deployed', 'failed'])
})

test('one that is atomic goes back', () => {
  const simulation = superseding(true)
  simulation.command({ kind: 'cancel', operationId: simulation.state.operation?.id ?? '' })
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject(cancelled)
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test('so does the verdict of an execution', () => {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.claim()
  simulation.order('upgrade', {})
  simulation.step('unsuperseded')
  simulation.step('refused')
  simulation.conclude('failed')
  for (let n = 0; n < 4; n++) simulation.step('done')
  expect(simulation.state.operation?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'not_ready' } })
})
