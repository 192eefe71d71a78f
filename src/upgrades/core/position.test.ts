import { expect, test } from 'vitest'
import type { Execution, Instance, InstanceStatus, Side } from './model.ts'
import { positionOf, toTake } from './position.ts'
import { foundIn, newInstance } from './slots.ts'
import { Simulation } from './testing/simulation.ts'

const { execution } = new Simulation({ kind: 'ordered', size: 1 })

/** One place of an ordered fleet: its status, and the side of its pod; `none`: it has no pod. */
type Place = readonly [InstanceStatus, Side | 'none']

/** The highest ordinal first, as the gate counts. */
function fleetOf(...places: readonly Place[]): Execution {
  const instances = places.map(([status, side], at): Instance => {
    const key = String(places.length - 1 - at)
    const place = { key, name: `pod-${key}`, after: null }
    const [found] = foundIn([place], [])
    const pod = side === 'none' ? null : { name: place.name, uid: place.name }
    return {
      ...newInstance('id', Number(key), found ?? { key, pod, side: null, ready: false }, 'TARGET'),
      pod,
      status,
      side: side === 'none' ? null : side,
    }
  })
  return { ...execution, instances }
}

test.each<[string, number, readonly string[], readonly Place[]]>([
  [
    'what was let go',
    1,
    ['pod-1'],
    [
      ['UPGRADING', 'previous'],
      ['PENDING', 'previous'],
    ],
  ],
  [
    'one that was added above and has no pod yet',
    2,
    ['pod-1'],
    [
      ['PENDING', 'none'],
      ['UPGRADING', 'previous'],
      ['PENDING', 'previous'],
    ],
  ],
  [
    'nobody where an old pod above was not let go',
    0,
    [],
    [
      ['PENDING', 'previous'],
      ['UPGRADING', 'previous'],
    ],
  ],
  [
    'nor where it is asked whether it may go',
    0,
    [],
    [
      ['DRAINING', 'previous'],
      ['UPGRADING', 'previous'],
    ],
  ],
  [
    'one that FAILED with its old pod, which is not taken',
    2,
    ['pod-0'],
    [
      ['FAILED', 'previous'],
      ['UPGRADING', 'previous'],
    ],
  ],
  [
    'no place below, though it has no pod',
    1,
    [],
    [
      ['COMPLETED', 'target'],
      ['PENDING', 'none'],
      ['PENDING', 'previous'],
    ],
  ],
])('an ordered gate covers %s: %i', (_, upTo, taken, places) => {
  const fleet = fleetOf(...places)
  expect(positionOf(fleet)).toEqual({ kind: 'admitting', upTo, surge: 0 })
  const members = new Map(
    fleet.instances.flatMap(({ pod, key, side }) =>
      pod === null || side === null
        ? []
        : [[pod.uid, { pod, key, side, ready: true, terminating: false, problem: null }] as const],
    ),
  )
  expect(toTake(fleet, members).map(({ name }) => name)).toEqual(taken)
})
