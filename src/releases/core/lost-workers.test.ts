import { expect, test } from 'vitest'
import { request, Simulation } from './testing/simulation.ts'

/** What was lost with its worker is carried out again as long as there is time (docs/adr/0063). */

type Kind = 'install' | 'upgrade' | 'rollback'
const kinds: readonly Kind[] = ['install', 'upgrade', 'rollback']

/** An operation that is about to begin, of a chart with hooks. */
function about(kind: Kind): Simulation {
  const simulation = new Simulation({ hasHooks: true })
  if (kind === 'install') return simulation
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision: 1 })
  simulation.settleDown()
  const targetRevision = kind === 'rollback' ? 1 : null
  const operation = simulation.operation({ hasHooks: true, targetRevision })
  simulation.command({ kind, operation, ifRevision: 2 })
  return simulation
}

test.each(kinds)('%s whose worker is lost again and again before it wrote anything: it goes on', (kind) => {
  const simulation = about(kind)
  for (let n = 0; n < 12; n++) simulation.step('lostBefore')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({ status: 'SUCCEEDED', error: null })
  expect(simulation.state.revisions.filter(({ verdict }) => verdict === 'FAILED')).toEqual([])
})

test.each(kinds)('%s that is ended again and again because its worker stops: it goes on', (kind) => {
  const simulation = about(kind)
  for (let n = 0; n < 12; n++) simulation.step('stopped')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({ status: 'SUCCEEDED', error: null })
})

test.each(kinds)('%s whose worker is lost until its time is over says so, and nothing else', (kind) => {
  const simulation = about(kind)
  const before = simulation.state.release
  simulation.step('lostBefore')
  simulation.now += request.timeoutSeconds * 1000
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({
    status: 'FAILED',
    error: { code: 'timed_out', detail: expect.stringContaining('the deadline passed') },
  })
  if (kind !== 'install') expect(simulation.state.release.revision).toBe(before.revision)
})

test.each(kinds)('%s whose helm crashes each time before it wrote anything is given up after three', (kind) => {
  const simulation = about(kind)
  for (let n = 0; n < 12; n++) simulation.step('crashed')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({
    status: 'FAILED',
    error: { code: 'interrupted', detail: 'simulated; the operation was cut off 3 times and is not carried out again' },
  })
})

test.each(kinds)('%s that is cut off each time after it wrote is given up after three, and tells how often', (kind) => {
  const simulation = about(kind)
  simulation.world.rendersHooks = false
  for (let n = 0; n < 12; n++) simulation.step(isPending(simulation) ? 'done' : 'lostPending')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject({
    status: 'FAILED',
    error: { code: 'interrupted', detail: 'the operation was cut off 3 times and is not carried out again' },
  })
})

test('only hooks make that it cannot be repeated safely', () => {
  const simulation = about('upgrade')
  simulation.step('lostPending')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome?.error).toEqual({
    code: 'interrupted',
    detail:
      'the operation was interrupted in the middle; some of its hooks may have run, so it is not repeated by itself',
  })
})

const isPending = ({ world }: Simulation): boolean => world.newest()?.status.startsWith('pending-') === true
