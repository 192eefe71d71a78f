import { expect, test } from 'vitest'
import type { Fate } from './testing/helmworld.ts'
import { Simulation } from './testing/simulation.ts'

/** A rollback that meets an object which the newest record does not name is repeated: docs/adr/0040. */

/** Deployed at revision 2, with a rollback to 1 that has been asked for. */
function rollingBack(): Simulation {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision: 1 })
  simulation.settleDown()
  simulation.command({ kind: 'rollback', operation: simulation.operation({ targetRevision: 1 }), ifRevision: 2 })
  return simulation
}

const operationOf = ({ state }: Simulation) => state.operation
const actOf = ({ attempt }: Simulation) => attempt?.act
const happened = ({ events }: Simulation, what: string) =>
  events.filter(({ type }) => type === `release.rollback.${what}`)

test('its record is settled so that it names what the revision before had, then it is rolled back again', () => {
  const simulation = rollingBack()
  simulation.step('unrecorded')
  simulation.step('done')
  const reason = 'failed: revision 2 lacks an object that is there; repeated'
  expect(actOf(simulation)).toMatchObject({ kind: 'settle', revision: 3, objectsOf: 2, reason })
  simulation.step('done')
  expect(simulation.attempt).toMatchObject({ act: { kind: 'rollback', target: 1 }, baseline: { revision: 3 } })
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toEqual({ status: 'SUCCEEDED', error: null })
  expect(simulation.state.revisions.map(({ verdict }) => verdict)).toEqual([
    'DEPLOYED',
    'DEPLOYED',
    'FAILED',
    'DEPLOYED',
  ])
  expect(happened(simulation, 'repeating').map(({ data }) => data)).toMatchObject([
    { revision: 3, code: 'object_unrecorded' },
  ])
})

test('so is the way back of an atomic upgrade', () => {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation({ atomic: true }), ifRevision: 1 })
  simulation.step('failed')
  simulation.step('done')
  simulation.step('unrecorded')
  expect(actOf(simulation)).toMatchObject({ kind: 'rollback', target: 1 })
  simulation.step('done')
  expect(actOf(simulation)).toMatchObject({ kind: 'settle', revision: 3, objectsOf: 2 })
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'rolled_back' } })
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', revision: 4 })
})

const crashes: readonly (readonly [string, readonly Fate[]])[] = [
  ['the settling is refused', ['unrecorded', 'refused']],
  ['the worker is lost before it settles', ['unrecorded', 'lostBefore']],
  ['the worker is lost when it has settled', ['unrecorded', 'lostAfter']],
  ['the worker is lost before the second helm', ['unrecorded', 'done', 'lostBefore']],
  ['the worker is lost while the second helm applies', ['unrecorded', 'done', 'lostPending']],
  ['the worker is lost after the second helm', ['unrecorded', 'done', 'lostAfter']],
  ['the worker is lost before the first helm', ['lostBefore', 'unrecorded']],
]
test.each(crashes)('it ends well though %s', (_what, fates) => {
  const simulation = rollingBack()
  for (const fate of fates) simulation.step(fate)
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toEqual({ status: 'SUCCEEDED', error: null })
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED' })
  expect(simulation.world.newest()).toMatchObject({ status: 'deployed', description: 'Rollback to 1' })
})

test('an interrupted rollback is settled in the same way', () => {
  const simulation = rollingBack()
  simulation.step('lostPending')
  simulation.step('done')
  expect(actOf(simulation)).toMatchObject({ kind: 'settle', revision: 3, objectsOf: 2 })
})

test('so is one whose record could not be called failed', () => {
  const simulation = rollingBack()
  simulation.step('unrecordedPending')
  simulation.step('done')
  expect(actOf(simulation)).toMatchObject({ kind: 'settle', revision: 3, objectsOf: 2 })
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toEqual({ status: 'SUCCEEDED', error: null })
})

test('what a lost worker may not have settled is settled again before helm runs', () => {
  const simulation = rollingBack()
  simulation.step('unrecorded')
  simulation.step('lostBefore')
  simulation.now += 2_000
  simulation.step('done')
  expect(actOf(simulation)).toMatchObject({ kind: 'settle', objectsOf: 2 })
})

test('it is bounded, and says in the end why it failed', () => {
  const simulation = rollingBack()
  for (let n = 0; n < 5; n++) {
    simulation.step('unrecorded')
    simulation.step('done')
  }
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'object_unrecorded' } })
  expect(happened(simulation, 'repeating')).toHaveLength(1)
})

test('without time for another try it says why there had to be one', () => {
  const simulation = rollingBack()
  simulation.step('unrecorded')
  simulation.step('done')
  simulation.now += 10_000_000
  simulation.step('done')
  const detail = 'simulated; the deadline passed before the operation could be repeated'
  const failure = { code: 'timed_out', detail, evidence: { helm: 'simulated' } }
  expect(operationOf(simulation)?.phase).toEqual({ name: 'failing', failure })
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'timed_out', detail } })
})

test('an upgrade is not repeated for it', () => {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision: 1 })
  simulation.step('unrecorded')
  simulation.settleDown()
  expect(operationOf(simulation)?.outcome).toMatchObject({ status: 'FAILED' })
  expect(simulation.world.newest()?.revision).toBe(2)
})
