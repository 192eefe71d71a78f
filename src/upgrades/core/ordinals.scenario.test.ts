import { describe, expect, test } from 'vitest'
import type { Instance } from './model.ts'
import { advance } from './rehearsal/fleet.ts'
import { refOf } from './rehearsal/world.ts'
import { scale } from './testing/disturb.ts'
import { given, type Scenario } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

// The places of an ordered fleet are its wanted ordinals, whether or not they have a pod (docs/adr/0049).

const canary = { strategy: 'CANARY', canaryPercentage: 25 } as const
const building: Setup = { size: 4, kind: 'ordered', present: 1, inTurn: true }
const slow = { readySeconds: 20 }

/** The pods that there are by their ordinals, `-` where there is none: how they are called and which side they are on. */
const pods = ({ world }: Scenario): string[] =>
  Array.from({ length: world.wanted }, (_, slot) => {
    const pod = world.pods.find((one) => one.slot === slot && one.goneAt === null)
    return pod === undefined ? '-' : `${refOf(world, pod).name} ${pod.side}`
  })
const byOrdinal = (instances: readonly Instance[]) => Object.fromEntries(instances.map((one) => [one.key, one.status]))

describe('building up', () => {
  test('each wanted ordinal is an instance from the beginning', () => {
    const { instances, totalInstances } = given({ ...building, faults: slow }).execution
    expect(totalInstances).toBe(4)
    expect(instances.map(({ key, pod, origin }) => `${key} ${pod?.name ?? '-'} ${origin}`)).toEqual([
      '0 pod-0-0 TARGET',
      '1 pod-1-1 TARGET',
      '2 - TARGET',
      '3 - TARGET',
    ])
  })

  test('the canary is the highest, which waits for its turn; nobody is restarted', () => {
    const scenario = given({ ...building, faults: slow, spec: canary }).untilStatus('CANARY_MONITORING')
    expect(pods(scenario)).toEqual(['pod-0-0 previous', 'pod-1-1 previous', 'pod-2-2 previous', 'pod-3-3 target'])
    scenario.thenGates(1).when('promote').untilStatus('COMPLETED').thenCounts({ COMPLETED: 4 })
  })

  test('one that does not come in time says whom it waits for; what never was goes back without anything', () => {
    const ill = { ...slow, unreadyBefore: [0] }
    const spec = { ...canary, autoRollbackEnabled: true }
    given({ ...building, faults: ill, spec })
      .untilStatus('ROLLING_BACK')
      .so(({ rollbackInfo }) =>
        expect(rollbackInfo.rollbackReason).toContain('pod-3 is not there: pod-0 has to be ready first'),
      )
      .inCluster((world, now) => ({ ...advance(world, now), faults: {} }))
      .untilStatus('ROLLED_BACK')
      .so((_, { acts }) => expect(acts.flatMap((act) => (act.kind === 'gate' ? act.take : []))).toEqual([]))
      .so(({ instances }) => expect(instances.every(({ side, ready }) => side === 'previous' && ready)).toBe(true))
  })

  test('on the way back too it says whom it waits for', () => {
    given({ ...building, faults: { ...slow, unreadyBefore: [0] }, spec: { ...canary, autoRollbackEnabled: true } })
      .untilStatus('FAILED')
      .thenReason('NOT_BACK_IN_TIME')
      .so(({ instances }) => {
        const last = instances.find(({ key }) => key === '2')
        expect(last?.message).toMatch(/^pod-2 is not there: pod-0 has to be ready first; its version is not known/)
      })
  })

  test('cancelled at once: frozen, and counted by its pods', () => {
    given({ ...building, faults: { ...slow, unreadyBefore: [0] }, spec: canary })
      .until(({ admitted }) => admitted === 1)
      .afterSeconds(5)
      .when('cancelNow')
      .untilStatus('CANCELLED')
      .so(({ frozen, frozenVersions }) =>
        expect({ frozen, frozenVersions }).toEqual({
          frozen: true,
          frozenVersions: { '1.0.0': 1, '1.1.0': 0 },
        }),
      )
  })

  test('nothing that is missing costs, and nobody who is ready goes before they are there', () => {
    given({ ...building, faults: slow, spec: { batchSize: 4, maxUnavailablePercentage: 25 } })
      .untilBatch(1)
      .so(({ instances }) =>
        expect(byOrdinal(instances)).toEqual({ 0: 'PENDING', 1: 'DRAINING', 2: 'UPGRADING', 3: 'UPGRADING' }),
      )
  })
})

test('an execution that knows only the ordinals which had pods gets the others', () => {
  const scenario = given({ ...building, faults: slow, spec: canary }).untilStatus('CANARY_RUNNING')
  const { execution } = scenario
  scenario.simulation.execution = { ...execution, instances: execution.instances.slice(0, 1) }
  scenario.untilStatus('CANARY_MONITORING').thenGates(1)
  expect(pods(scenario)).toEqual(['pod-0-0 previous', 'pod-1-1 previous', 'pod-2-2 previous', 'pod-3-3 target'])
  expect(scenario.execution.instances.map(({ key, origin }) => `${key} ${origin}`)).toEqual([
    '0 TARGET',
    '1 CLUSTER',
    '2 CLUSTER',
    '3 CLUSTER',
  ])
})

describe.each([true, false])('scaled in the middle, one after another: %s', (inTurn) => {
  const monitored = () =>
    given({ size: 4, kind: 'ordered', inTurn, faults: slow, spec: canary }).untilStatus('CANARY_MONITORING')

  test('up: what comes is new, what was let go stays so', () => {
    const scenario = monitored().inCluster((world, now) => scale(world, 6, now))
    scenario.afterSeconds(120).thenCounts({ PENDING: 3, COMPLETED: 3 })
    expect(pods(scenario).map((pod) => pod.split(' ')[1])).toEqual([
      ...['previous', 'previous', 'previous'],
      ...['target', 'target', 'target'],
    ])
    expect(pods(scenario)[3]).toBe('pod-3-4 target')
  })

  test('down: an ordinal that is not wanted any more lets nobody go for it', () => {
    const scenario = monitored().inCluster((world, now) => scale(world, 2, now))
    scenario
      .afterSeconds(120)
      .so(({ instances }) => expect(byOrdinal(instances)).toEqual({ 0: 'PENDING', 1: 'PENDING' }))
    expect(pods(scenario)).toEqual(['pod-0-0 previous', 'pod-1-1 previous'])
  })

  test('to nothing, and back: the canary is gone, and no other pod is taken for one', () => {
    const scenario = monitored().inCluster((world, now) => scale(world, 0, now))
    scenario.afterSeconds(120).so(({ instances }) => expect(instances).toEqual([]))
    scenario.inCluster((world, now) => scale(world, 3, now)).afterSeconds(100)
    expect(pods(scenario).every((pod) => pod.endsWith('previous'))).toBe(true)
    scenario.thenRefused('promote').untilWaiting('CANARY_FAILED').thenRefused('promote').when('rollback')
    scenario.untilStatus('ROLLED_BACK').thenCounts({ PENDING: 3 })
  })
})

test('nobody passes one whose disruption budget keeps it: the gate would let that go too', () => {
  const spec = { batchSize: 2, maxUnavailablePercentage: 50 }
  const scenario = given({ size: 4, kind: 'ordered', faults: { neverDrains: [3] }, spec }).untilStatus('FAILED')
  scenario.thenReason('FAILED_INSTANCE_BLOCKS_THE_ORDER').thenGates()
  expect(pods(scenario).every((pod) => pod.endsWith('previous'))).toBe(true)
})

test.each(['ROLLING', 'CANARY'] as const)(
  'a budget of one at a time is passed through with batches of more: %s',
  (strategy) => {
    const spec = { strategy, batchSize: 2, canaryPercentage: 50, maxUnavailablePercentage: 50 } as const
    const scenario = given({ size: 4, kind: 'ordered', minAvailable: 3, spec })
    if (strategy === 'CANARY') scenario.untilStatus('CANARY_MONITORING').when('promote')
    scenario.fewestReady = 4
    scenario.untilStatus('COMPLETED').thenOnTarget(4)
    expect(scenario.fewestReady).toBe(3)
  },
)
