import { expect, test } from 'vitest'
import type { ChildSight, Execution, ExecutionObservation } from './model.ts'
import { given, type Scenario } from './testing/scenario.ts'

const hook = 'helm waits for the hook Job app-migrate (pre-rollback)'

/** Helm is at a hook, whenever it is at work. */
function atHook(scenario: Scenario): Scenario {
  const { simulation } = scenario
  const observe = simulation.observe.bind(simulation)
  simulation.observe = () => withHook(observe())
  return scenario
}

function withHook(seen: ExecutionObservation): ExecutionObservation {
  if (seen.kind === 'unreadable') return seen
  const named = (child: ChildSight): ChildSight => (child.kind === 'running' ? { ...child, awaits: hook } : child)
  const releases = seen.releases.map((one) => ({ ...one, deploy: named(one.deploy), undo: named(one.undo) }))
  return { ...seen, releases }
}

const namesTheHook = ({ waitingFor }: Execution) => waitingFor?.detail?.includes(hook) === true

test('while helm is at a hook the execution names it, forward and back', () => {
  const scenario = atHook(given())
    .until(namesTheHook)
    .so((execution) => expect(execution).toMatchObject({ stage: 'deploying', waitingFor: { reason: 'HELM' } }))
    .untilBatch(1)
    .when('rollback')
  const isGoingBack = () => scenario.simulation.acts.some(({ kind }) => kind === 'undo')
  scenario
    .until((execution) => isGoingBack() && namesTheHook(execution))
    .so((execution) => expect(execution).toMatchObject({ stage: 'undoing', waitingFor: { reason: 'HELM' } }))
    .untilStatus('ROLLED_BACK')
})

test.each(['rollback', 'cancel'] as const)(
  'a %s while helm is at a hook names it, and until when helm has time',
  (command) => {
    atHook(given())
      .until(namesTheHook)
      .when(command)
      .until(namesTheHook)
      .so(({ waitingFor }, { now }) => {
        expect(waitingFor?.detail).toMatch(/: it ends by itself, or then$/)
        expect(waitingFor?.until).toBeGreaterThanOrEqual(now)
      })
  },
)
