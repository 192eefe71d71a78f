import { expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition, WorkloadKind } from '../../core/model.ts'
import { gateKinds } from '../fleet/context.ts'
import { isOpened } from './position.ts'
import { carryOut, goalFor, merge, workload } from './testing.ts'

const start: Readonly<Record<WorkloadKind, JsonObject>> = {
  Deployment: { replicas: 5, progressDeadlineSeconds: 600, strategy: { type: 'RollingUpdate' } },
  StatefulSet: { replicas: 5, updateStrategy: { type: 'RollingUpdate' } },
  DaemonSet: { updateStrategy: { type: 'RollingUpdate' } },
}

/** Whether it is said to be opened, when another hand has changed its spec since it was brought into a position. */
function afterHand(name: WorkloadKind, position: GatePosition, spec: JsonObject): boolean {
  const kind = gateKinds[name]
  const closed = carryOut(kind, workload(name, start[name]), null, goalFor({ kind: 'closed' }))
  const { live, row } = carryOut(kind, closed.live, closed.row, goalFor(position, { current: 'new' }))
  expect(isOpened(kind, live, row, 'one'), 'before anybody did anything').toBe(false)
  return isOpened(kind, { ...live, spec: merge(live.spec ?? {}, spec) }, row, 'one')
}

const two = { kind: 'admitting', upTo: 2, surge: 0 } as const
const resting = { ...two, rests: true } as const
const closed = { kind: 'closed' } as const
const partition = (to: number | null) => ({ updateStrategy: { rollingUpdate: { partition: to } } })
const rolling = (to: JsonObject) => ({ paused: false, strategy: { rollingUpdate: to } })

const hands: readonly (readonly [string, WorkloadKind, GatePosition, JsonObject, boolean])[] = [
  ['unpaused, before anybody may go', 'Deployment', closed, { paused: false }, true],
  ['unpaused and available', 'Deployment', resting, { paused: false, minReadySeconds: 0 }, true],
  ['more may go, which may be ours', 'Deployment', resting, rolling({ maxUnavailable: 4 }), false],
  ['more may come, which may be ours', 'Deployment', two, rolling({ maxSurge: 3 }), false],
  ['unpaused alone lets nobody go', 'Deployment', resting, { paused: false }, false],
  ['paused', 'Deployment', two, { paused: true }, false],
  ['scaled', 'Deployment', two, { replicas: 9 }, false],
  ['its partition taken away', 'StatefulSet', two, partition(null), true],
  ['scaled beyond its partition', 'StatefulSet', two, { replicas: 9 }, false],
  ['moved by its controller', 'DaemonSet', two, { updateStrategy: { type: 'RollingUpdate' } }, true],
]

test.each(hands)('%s (%s): told as opened where nothing holds any more', (_, name, position, spec, opened) => {
  expect(afterHand(name, position, spec)).toBe(opened)
})

test('a gate of another execution, or none, is nothing that was opened', () => {
  const kind = gateKinds.Deployment
  const { live, row } = carryOut(kind, workload('Deployment', start.Deployment), null, goalFor(closed))
  const open = { ...live, spec: merge(live.spec ?? {}, { paused: false }) }
  expect([isOpened(kind, open, row, 'two'), isOpened(kind, open, null, 'one')]).toEqual([false, false])
})
