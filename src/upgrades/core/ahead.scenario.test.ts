import { expect, test } from 'vitest'
import type { Execution } from './model.ts'
import { waits } from './reasons.ts'
import { killPod } from './testing/disturb.ts'
import { given } from './testing/scenario.ts'

/** What another hand lets go, or the cluster moves, is told as what it is. */

const ahead = ({ instances }: Execution) => instances.filter((one) => one.ahead === true).length
const codes = ({ warnings }: Execution) => warnings.map(({ code }) => code)
const opened = { kind: 'admitting', upTo: 6, surge: 0 } as const

const waiting = [
  ['STAGED', { strategy: 'STAGED', batchSize: 2 }, waits.approval, 4],
  ['ROLLING', { strategy: 'ROLLING', batchSize: 2, batchDelaySeconds: 3600 }, waits.delay, 4],
  ['CANARY', { strategy: 'CANARY', canaryPercentage: 25 }, waits.promotion, 4],
] as const

test.each(waiting)(
  '%s: instances that another hand lets go are told, once, and by name',
  (_name, spec, reason, moved) => {
    const fleet = given({ size: 6, spec: { maxUnavailablePercentage: 50, ...spec }, room: 0 })
      .untilWaiting(reason)
      .inCluster((world) => ({ ...world, gate: opened }))
      .until((execution) => ahead(execution) === moved)
      .afterSeconds(60)
    const { warnings, instances, approvals } = fleet.execution
    expect(codes(fleet.execution)).toEqual(['MOVED_AHEAD'])
    expect(approvals).toEqual([])
    for (const { index, pod } of instances.filter((one) => one.ahead === true))
      expect(warnings[0]?.message).toContain(`${index} (${pod?.name})`)
    expect(fleet.simulation.events.filter(({ data }) => data.warning === 'MOVED_AHEAD')).toHaveLength(1)
  },
)

test('an approval afterwards is of the batch that waited for it, and says nothing of the others', () => {
  const fleet = given({ size: 6, spec: { strategy: 'STAGED', batchSize: 2, maxUnavailablePercentage: 50 }, room: 0 })
    .untilWaiting(waits.approval)
    .inCluster((world) => ({ ...world, gate: opened }))
    .until((execution) => ahead(execution) === 4)
    .when('resume')
    .untilStatus('COMPLETED')
  expect(fleet.execution.approvals.map(({ batch }) => batch)).toEqual([1])
  expect([ahead(fleet.execution), codes(fleet.execution)]).toEqual([4, ['MOVED_AHEAD']])
})

test('what dies on a node and comes back new is told too; who is let go is not', () => {
  const spec = { strategy: 'STAGED', batchSize: 1, maxUnavailablePercentage: 50 } as const
  const fleet = given({ size: 4, kind: 'nodes', spec }).untilWaiting(waits.approval)
  expect(codes(fleet.execution)).toEqual([])
  const old = fleet.execution.instances.findIndex(({ side }) => side === 'previous')
  fleet.inCluster((world, now) => killPod(world, old, now)).until((execution) => ahead(execution) === 1)
  expect(codes(fleet.execution)).toEqual(['MOVED_AHEAD'])
})
