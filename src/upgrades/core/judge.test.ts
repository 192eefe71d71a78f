import { describe, expect, test } from 'vitest'
import { judge } from './judge.ts'
import { positionOf, toTake } from './position.ts'
import { membersOf } from './slots.ts'
import { given } from './testing/scenario.ts'

describe('an instance that was let go, and whose new pod does not come', () => {
  const why = 'pods "app-1" is forbidden: exceeded quota: limits'

  /** As it is some time after it was let go, when the controller says that of its pods. */
  function afterMs(ms: number, whyNoPods: string | null) {
    const begun = given({ size: 2, spec: { batchSize: 1 } }).until(({ instances }) =>
      instances.some(({ status }) => status === 'UPGRADING'),
    )
    const { simulation, execution } = begun
    const seen = simulation.observe()
    if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present') throw new Error('the fleet is there')
    const members = seen.fleet.members.filter(({ side }) => side === 'previous')
    const instances = execution.instances.map((one) => ({ ...one, nextPod: null }))
    const fleet = { ...seen.fleet, members, whyNoPods, gate: positionOf(execution) }
    const now = simulation.now + ms
    const evidence = { execution: { ...execution, instances }, fleet, members: membersOf(fleet), releases: new Map() }
    const judged = judge({ ...evidence, attempt: null, now })
    return judged.instances.find(({ startedAt }) => startedAt !== null)
  }

  test('says why its controller makes none, while it waits and when it has FAILED', () => {
    expect(afterMs(1_000, why)).toMatchObject({ status: 'UPGRADING', message: why })
    expect(afterMs(400_000, why)).toMatchObject({ status: 'FAILED', message: why })
  })
  test('says that none came where nobody knows why', () => {
    expect(afterMs(1_000, null)).toMatchObject({ status: 'UPGRADING', message: null })
    expect(afterMs(400_000, null)).toMatchObject({ status: 'FAILED', message: 'no new pod came up in time' })
  })
})

test('an instance that the cluster has surged keeps its old pod until the new one has passed', () => {
  const { simulation, execution } = given({ size: 2 }).until(({ stage }) => stage === 'moving')
  const seen = simulation.observe()
  if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present') throw new Error('the fleet is there')
  const [first, ...others] = execution.instances
  if (first === undefined) throw new Error('there are two')
  const waiting = {
    ...first,
    status: 'PENDING',
    surge: false,
    startedAt: null,
    nextPod: { name: 'new', uid: 'new' },
  } as const
  const instances = [waiting, ...others]
  const members = new Map([...membersOf(seen.fleet)])
  const evidence = { execution: { ...execution, instances }, fleet: seen.fleet, members, releases: new Map() }
  const judged = judge({ ...evidence, attempt: null, now: simulation.now }).instances
  expect(judged[0]).toMatchObject({ status: 'UPGRADING', surge: true })
  expect(toTake({ ...execution, instances: judged.slice(0, 1) }, members)).toEqual([])
})
