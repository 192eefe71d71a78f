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

const hook = 'the hook Job web-migrate had not ended'

/** An operation whose helm is lost in a hook each time, until it is not carried out again. */
function cutOffForGood(kind: 'install' | 'upgrade'): Simulation {
  const simulation = new Simulation()
  if (kind === 'upgrade') {
    simulation.settleDown()
    simulation.command({ kind, operation: simulation.operation({ hasHooks: true }), ifRevision: 1 })
  }
  simulation.world.leftByHook = hook
  const isPending = () => simulation.world.newest()?.status.startsWith('pending-') === true
  while (simulation.state.operation?.endedAt === null) simulation.step(isPending() ? 'done' : 'lostPending')
  return simulation
}

test.each(['install', 'upgrade'] as const)(
  'an %s that was cut off for good keeps evidence and names the hook',
  (kind) => {
    const { operation, revisions } = cutOffForGood(kind).state
    expect(operation?.outcome?.error).toMatchObject({
      code: 'interrupted',
      detail: expect.stringMatching(`; ${hook}$`),
    })
    expect(operation?.evidence).toEqual({ seen: true })
    expect(revisions.at(-1)).toMatchObject({ verdict: 'FAILED', description: 'interrupted; settled by Flotilla' })
  },
)
