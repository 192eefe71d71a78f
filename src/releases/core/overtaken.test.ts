import { expect, test } from 'vitest'
import { Simulation } from './testing/simulation.ts'

/** An upgrade of a release at revision 1, which another hand rolls back over as revision 3 while it runs. */
function overtakenUpgrade(fate: 'overtakenEnded' | 'overtakenUnseen' | 'overtakenLate' | 'overtakenLost'): Simulation {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation({ hasHooks: true }), ifRevision: 1 })
  simulation.step(fate)
  return simulation
}
const helm = ({ world }: Simulation) => world.revisions.map(({ revision, status }) => `${revision} ${status}`)
const settled = ['1 superseded', '2 failed', '3 deployed']

test.each(['overtakenEnded', 'overtakenUnseen', 'overtakenLate', 'overtakenLost'] as const)(
  '%s: our revision has failed in Helm too, and the release follows the other hand',
  (fate) => {
    const simulation = overtakenUpgrade(fate)
    simulation.settleDown()
    expect(helm(simulation)).toEqual(settled)
    const { release, operation, revisions } = simulation.state
    expect(release).toMatchObject({ status: 'DEPLOYED', revision: 3, performedBy: 'external' })
    expect(operation?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'changed_by_another_hand' } })
    expect(revisions.map(({ revision, verdict }) => `${revision} ${verdict}`)).toEqual([
      '1 DEPLOYED',
      '2 FAILED',
      '3 DEPLOYED',
    ])
    expect(revisions.map(({ performedBy }) => performedBy)).toEqual(['tester', 'tester', 'external'])
  },
)

test('the operation stays open until a write that was under way has had its time', () => {
  const simulation = overtakenUpgrade('overtakenLate')
  simulation.step('done')
  expect(helm(simulation)).toEqual(settled)
  simulation.world.deliverLate()
  expect(helm(simulation)).toEqual(['1 superseded', '2 deployed', '3 deployed'])
  simulation.now += 1_999
  simulation.step('done')
  expect(helm(simulation)).toEqual(settled)
  expect(simulation.state.operation?.endedAt).toBeNull()
  simulation.now += 1
  simulation.step('done')
  expect(simulation.state.operation?.endedAt).toBe(simulation.now)
})

test('a write that arrives after the end is settled at rest', () => {
  const simulation = overtakenUpgrade('overtakenLate')
  for (let looks = 0; looks < 5; looks++) {
    simulation.now += 1_000
    simulation.step('done')
  }
  expect(simulation.state.operation?.endedAt).not.toBeNull()
  simulation.world.deliverLate()
  expect(helm(simulation)).toEqual(['1 superseded', '2 deployed', '3 deployed'])
  simulation.settleDown()
  expect(helm(simulation)).toEqual(settled)
})
