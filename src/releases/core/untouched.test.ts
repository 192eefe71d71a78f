import { expect, test } from 'vitest'
import type { Fate } from './testing/helmworld.ts'
import { request, Simulation } from './testing/simulation.ts'

/** An operation that has changed nothing leaves its release as it was: docs/adr/0044. */

/** Deployed at revision 2. */
function deployed(): Simulation {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision: 1 })
  simulation.settleDown()
  return simulation
}

const commands = {
  upgrade: (simulation: Simulation, atomic = false) =>
    simulation.command({
      kind: 'upgrade',
      operation: simulation.operation({ chartVersion: '1.1.0', atomic }),
      ifRevision: simulation.state.release.revision,
    }),
  rollback: (simulation: Simulation) =>
    simulation.command({
      kind: 'rollback',
      operation: simulation.operation({ targetRevision: 1 }),
      ifRevision: simulation.state.release.revision,
    }),
  uninstall: (simulation: Simulation) =>
    simulation.command({ kind: 'uninstall', operation: simulation.operation({ hasHooks: true }) }),
} as const
type Command = keyof typeof commands

const failed = { status: 'FAILED', error: { code: 'helm_failed' } }

/** All of the release but when it was looked at, and how often it was saved. */
const whatItWas = ({ state: { release } }: Simulation) => ({ ...release, updatedAt: 0, version: 0 })

/** What the fates made of it: the acts end as told, and then nothing is due any more. */
function ends(simulation: Simulation, command: Command, fates: readonly Fate[]): Simulation {
  expect(commands[command](simulation)).toBe(true)
  for (const fate of fates) simulation.step(fate)
  simulation.settleDown()
  return simulation
}

test.each(Object.keys(commands) as Command[])('%s that is refused at once: the release is as it was', (command) => {
  const simulation = deployed()
  const before = whatItWas(simulation)
  ends(simulation, command, ['refused'])
  expect(simulation.state.operation?.outcome).toMatchObject(failed)
  expect(whatItWas(simulation)).toEqual(before)
  expect(before).toMatchObject({ status: 'DEPLOYED', revision: 2, attemptedChartVersion: null, failedKind: null })
})

test('one that is atomic has nothing to go back from', () => {
  const simulation = deployed()
  commands.upgrade(simulation, true)
  simulation.step('refused')
  simulation.settleDown()
  expect(simulation.state.operation?.outcome).toMatchObject(failed)
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', revision: 2 })
})

test('a release that was FAILED stays so, by the operation that has left it so', () => {
  const simulation = deployed()
  ends(simulation, 'rollback', ['failed'])
  const before = whatItWas(simulation)
  expect(before).toMatchObject({ status: 'FAILED', failedKind: 'rollback', revision: 3 })
  ends(simulation, 'upgrade', ['refused'])
  expect(whatItWas(simulation)).toEqual(before)
  ends(simulation, 'uninstall', ['refused'])
  expect(whatItWas(simulation)).toEqual(before)
})

test('until a revision has ended DEPLOYED, what is stored is what was asked for last', () => {
  const simulation = new Simulation()
  simulation.step('failed')
  simulation.settleDown()
  ends(simulation, 'upgrade', ['refused'])
  expect(simulation.state.release).toMatchObject({
    status: 'FAILED',
    revision: 1,
    chartVersion: '1.1.0',
    attemptedChartVersion: null,
  })
})

const changed: readonly (readonly [string, Command, readonly Fate[], object])[] = [
  ['a try before has made a revision', 'upgrade', ['lostPending', 'done', 'refused'], { revision: 3 }],
  ['a rollback before has made a revision', 'rollback', ['unrecorded', 'done', 'refused'], { revision: 3 }],
  ['an uninstall was cut off before', 'uninstall', ['lostBefore', 'refused'], { failedKind: 'uninstall' }],
  ['an uninstall has begun', 'uninstall', ['failed'], { failedKind: 'uninstall' }],
]
test.each(changed)('FAILED remains where %s', (_what, command, fates, release) => {
  const simulation = ends(deployed(), command, fates)
  expect(simulation.state.operation?.outcome?.status).toBe('FAILED')
  expect(simulation.state.release).toMatchObject({ status: 'FAILED', ...release })
})

test('a record that arrives after all is settled, and then it is FAILED', () => {
  const simulation = deployed()
  commands.upgrade(simulation)
  for (const fate of ['lostBefore', 'lostBefore', 'lostLate'] as const) simulation.step(fate)
  simulation.now += request.timeoutSeconds * 1000
  for (let n = 0; n < 3; n++) simulation.step('done')
  expect(simulation.state.operation?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'timed_out' } })
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', revision: 2 })
  simulation.settleDown()
  expect(simulation.state.release).toMatchObject({ status: 'FAILED', revision: 3, failedKind: 'upgrade' })
  expect(simulation.world.newest()).toMatchObject({
    status: 'failed',
    description: 'a late write of an ended operation; settled by Flotilla',
  })
})

test('what another hand did meanwhile to the record that is there is followed', () => {
  const simulation = deployed()
  commands.upgrade(simulation)
  simulation.step('refused')
  simulation.world.byHand('uninstallKeeping')
  simulation.settleDown()
  expect(simulation.state.release.status).toBe('UNINSTALLED')
})

test('an execution whose upgrade was refused leaves the release as it found it', () => {
  const simulation = deployed()
  const before = whatItWas(simulation)
  simulation.claim()
  simulation.order('upgrade', { chartVersion: '1.1.0' })
  simulation.step('refused')
  simulation.settleDown()
  expect(whatItWas(simulation)).toEqual(before)
})
