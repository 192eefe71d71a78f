import { describe, expect, test } from 'vitest'
import { isEdited } from './edited.ts'
import type { Execution, UpgradeSpec } from './model.ts'
import type { Fleet } from './slots.ts'
import { editTemplate, killPod, restoreTemplate, undoTemplate } from './testing/disturb.ts'
import { given, type Scenario } from './testing/scenario.ts'
import type { Setup } from './testing/simulation.ts'

/** The pod template is changed by another hand in the middle (docs/adr/0061): nothing of it is taken for the target version. */
const quick = {
  healthCheckIntervalSeconds: 2,
  healthCheckTimeoutSeconds: 20,
  batchDelaySeconds: 0,
  batchSize: 1,
} as const
const reason = 'TEMPLATE_CHANGED_BY_ANOTHER_HAND'
const kinds = ['surging', 'ordered', 'nodes'] as const

function upgrade(spec: Partial<UpgradeSpec>, more: Setup = {}): Scenario {
  return given({ size: 4, ...more, spec: { ...quick, ...spec } })
}

const completed = ({ instances }: Execution) => instances.filter(({ status }) => status === 'COMPLETED').length
const onlyTold = ({ instances }: Execution) => instances.flatMap(({ message }) => message ?? [])

describe('a template of no version', () => {
  test.each(kinds)('shuts the gate, is told, and stops it in the end: %s', (kind) => {
    const scenario = upgrade({}, { kind, faults: { readySeconds: 4 } })
      .until((execution) => completed(execution) === 2, 'two have passed')
      .inCluster(editTemplate)
      .untilWaiting(reason)
      .afterSeconds(2)
    const { now } = scenario.simulation
    scenario
      .so(({ status, warnings, waitingFor }, { world }) => {
        expect([status, warnings.map(({ code }) => code)]).toEqual(['IN_PROGRESS', ['TEMPLATE_CHANGED']])
        expect(waitingFor?.detail).toContain('another hand has changed the pod template')
        expect((waitingFor?.until ?? 0) - now).toBeGreaterThan(15_000)
        if (kind !== 'surging') expect(world.gate).toMatchObject({ kind: 'admitting', upTo: 0 })
      })
      .untilStatus('FAILED')
      .thenReason(reason)
      .so(({ frozen, transitions }) => {
        expect(frozen).toBe(true)
        expect(transitions.at(-1)?.reason).toContain('another hand has changed the pod template')
      })
  })

  test.each(kinds)('with auto-rollback it goes back: %s', (kind) => {
    upgrade({ autoRollbackEnabled: true }, { kind })
      .until((execution) => completed(execution) === 2, 'two have passed')
      .inCluster(editTemplate)
      .untilStatus('ROLLED_BACK')
      .thenReason(reason)
      .so((_, { world }) => expect(world.pods.every(({ side }) => side === 'previous')).toBe(true))
  })

  test.each(kinds)('put back in time it goes on: %s', (kind) => {
    upgrade({}, { kind })
      .until((execution) => completed(execution) === 2, 'two have passed')
      .inCluster(editTemplate)
      .untilWaiting(reason)
      .afterSeconds(10)
      .inCluster(restoreTemplate)
      .untilStatus('COMPLETED')
      .thenOnTarget(4)
  })

  test('an instance that had passed and is replaced says why', () => {
    upgrade({ strategy: 'RECREATE' }, { kind: 'ordered' })
      .until((execution) => completed(execution) > 0, 'one has passed')
      .inCluster(editTemplate)
      .afterSeconds(6)
      .so((execution) => {
        expect(onlyTold(execution).join()).toContain('another hand has changed the pod template')
        expect(onlyTold(execution).join()).not.toContain('earlier version')
      })
  })

  test.each(['STAGED', 'ROLLING'] as const)(
    'in PAUSED nothing more goes, it is told, and judged at resume: %s',
    (strategy) => {
      const scenario = upgrade({ strategy }, { kind: 'ordered' }).until((execution) => completed(execution) === 1)
      if (strategy === 'STAGED') scenario.untilStatus('PAUSED')
      else scenario.when('pause')
      scenario
        .inCluster(editTemplate)
        .afterSeconds(100)
        .so(({ status, waitingFor }, { world }) => {
          expect([status, world.gate]).toMatchObject(['PAUSED', { kind: 'admitting', upTo: 0 }])
          expect(waitingFor?.detail).toContain('another hand has changed the pod template')
        })
        .when('resume')
        .untilStatus('FAILED')
        .thenReason(reason)
    },
  )

  test.each(['cancel', 'rollback'] as const)('%s is a way out', (command) => {
    upgrade({}, { kind: 'ordered' })
      .until((execution) => completed(execution) === 2)
      .inCluster(editTemplate)
      .untilWaiting(reason)
      .when(command)
      .untilStatus(command === 'cancel' ? 'CANCELLED' : 'ROLLED_BACK')
  })

  test.each([true, false])('once the gate is gone, or where no pod changes, it is not COMPLETED: %s', (podsChange) => {
    upgrade({}, { podsChange })
      .until(({ stage }) => stage === 'verifying')
      .inCluster(editTemplate)
      .untilStatus('FAILED')
      .thenReason(reason)
  })
})

test('the hash of what helm has applied is learnt from that template alone, also when it goes back before a pod has come', () => {
  const applied = (hash: string | null) => ({ mark: 'target', hash })
  upgrade({ strategy: 'STAGED' })
    .until((execution) => completed(execution) === 1)
    .so((execution) => expect(execution.applied).toEqual(applied('target')))
    .when('rollback')
    .untilStatus('ROLLED_BACK')
    .so((execution) => expect(execution.applied).toEqual(applied('target')))
  upgrade({ strategy: 'BLUE_GREEN' })
    .until(({ stage }) => stage === 'pinning')
    .so((execution) => expect(execution.applied).toEqual(applied(null)))
    .when('rollback')
    .untilStatus('ROLLED_BACK')
    .so((execution) => expect(execution.applied).toEqual(applied(null)))
})

describe('in blue-green', () => {
  test.each(['moving', 'watching'] as const)('no such set is given the traffic or COMPLETED: %s', (stage) => {
    upgrade({ strategy: 'BLUE_GREEN' })
      .until((execution) => execution.stage === stage)
      .inCluster(editTemplate)
      .untilStatus('FAILED')
      .so(({ statusReason }, { world }) => {
        expect(statusReason).toBe(reason)
        expect(world.pin).not.toBe('other')
      })
  })
})

describe('a canary', () => {
  test.each(['ordered', 'nodes'] as const)('that another hand has undone is not promoted: %s', (kind) => {
    const scenario = upgrade({ strategy: 'CANARY', autoRollbackEnabled: false }, { kind })
      .untilStatus('CANARY_MONITORING')
      .inCluster(undoTemplate)
    if (kind === 'nodes') for (const nth of [0, 1, 2, 3]) scenario.inCluster((world, now) => killPod(world, nth, now))
    scenario
      .untilWaiting(reason)
      .thenRefused('promote')
      .untilWaiting('CANARY_FAILED')
      .thenRefused('promote')
      .so(({ waitingFor, status }) => {
        expect(status).toBe('CANARY_MONITORING')
        expect(waitingFor?.detail).toContain('another hand has changed the pod template')
      })
      .when('rollback')
      .untilStatus('ROLLED_BACK')
  })

  test('with auto-rollback it goes back', () => {
    upgrade({ strategy: 'CANARY', autoRollbackEnabled: true }, { kind: 'ordered' })
      .untilStatus('CANARY_MONITORING')
      .inCluster(undoTemplate)
      .untilStatus('ROLLED_BACK')
      .thenReason(reason)
  })
})

test('a template that is only written out otherwise is the same', () => {
  const execution = { status: 'IN_PROGRESS', applied: { mark: 'one', hash: '5f' } } as Execution
  const told = (mark: string, hash: string | null) => isEdited(execution, { podTemplate: { mark, hash } } as Fleet)
  expect([told('one', null), told('one', '5f'), told('more', '5f')]).toEqual([false, false, false])
  expect([told('more', null), told('more', '6a')]).toEqual([true, true])
})
