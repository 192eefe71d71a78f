import { expect, test } from 'vitest'
import type { ChildSight, Execution, ExecutionObservation } from './model.ts'
import { helmAtWork, waitForHelm } from './stages/helm-at-work.ts'
import type { Look } from './stages/look.ts'
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

const running = (awaits: string | null): ChildSight => ({ kind: 'running', until: 60_000, awaits })

/** Releases on which helm is at work, each with what it says that it is at. */
function busy(awaits: readonly (string | null)[]): Look {
  const { execution, now } = given().simulation
  const claims = awaits.map((_, index) => ({ releaseId: `release-${index}` }))
  const releases = new Map(awaits.map((said, index) => [`release-${index}`, { deploy: running(said) }]))
  return { execution: { ...execution, claims }, releases, now } as unknown as Look
}

test.each([
  [[hook, null], `${hook}; helm is not through with 1 more release`],
  [[null, hook, 'helm waits for the hook Job b'], `${hook}; helm is not through with 2 more releases`],
])('of several releases one is named, and how many more there are: %j', (awaits, detail) => {
  const look = busy(awaits)
  expect(waitForHelm(look, 'deploy')).toMatchObject({ kind: 'wait', waitingFor: { reason: 'HELM', detail } })
  expect(helmAtWork(look, 'deploy')?.detail).toBe(`${detail}: it ends by itself, or then`)
})

test('where none is named, they are counted', () => {
  expect(helmAtWork(busy([null, null]), 'deploy')?.detail).toMatch(
    /^helm is still at work on 2 releases, with its hooks/,
  )
})

test('an order that no worker has begun has no time of helm yet', () => {
  const look = busy([null])
  const releases = new Map([['release-0', { deploy: { kind: 'running', until: null } }]])
  expect(helmAtWork({ ...look, releases } as unknown as Look, 'deploy')).toBeNull()
})

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
