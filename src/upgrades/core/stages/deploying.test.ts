import { expect, test } from 'vitest'
import { membersOf } from '../slots.ts'
import { Simulation } from '../testing/simulation.ts'
import { deploying } from './deploying.ts'

test('what a failed upgrade has moved is let go already; where the old pod still runs beside, it stays until the new one has passed', () => {
  const simulation = new Simulation({ size: 3 })
  const seen = simulation.observe()
  if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present') throw new Error('the fleet is there')
  const [first, second, third] = simulation.execution.instances
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  const instances = [
    { ...first, nextPod: { name: 'new-1', uid: 'new-1' } },
    { ...second, side: 'target' as const, pod: { name: 'new-2', uid: 'new-2' } },
    third,
  ]
  const change = { podsChange: true, others: [], surgeRoom: 3, template: 'to' } as const
  const execution = { ...simulation.execution, status: 'IN_PROGRESS', stage: 'deploying', change, instances } as const
  const releases = new Map(
    seen.releases.map((sight) => [sight.releaseId, { ...sight, deploy: { kind: 'held' } as const }]),
  )
  const [known] = seen.fleet.members
  if (known === undefined) throw new Error('the fleet has pods')
  // A pod of the version before that is in no place: there are more pods than places.
  const unplaced = { ...known, pod: { name: 'old-4', uid: 'old-4' } }
  const fleet = {
    ...seen.fleet,
    members: [...seen.fleet.members.filter(({ pod }) => pod.uid !== second.pod?.uid), unplaced],
  }
  const members = membersOf(fleet)
  const look = {
    execution,
    before: execution,
    fleet,
    members,
    releases,
    checks: null,
    attempt: null,
    now: simulation.now,
  }
  const step = deploying(look)
  expect(step.execution.stage).toBe('moving')
  expect(step.execution.instances.map(({ status, surge }) => [status, surge])).toEqual([
    ['UPGRADING', true],
    ['UPGRADING', true],
    ['PENDING', false],
  ])
  expect(step.execution.instances[1]).toMatchObject({ side: 'previous', pod: unplaced.pod, nextPod: { uid: 'new-2' } })
})
