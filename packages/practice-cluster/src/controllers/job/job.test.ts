import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import { isTrue } from '../conditions.ts'
import type { Job } from '../model.ts'
import { isActive } from '../pod-state.ts'
import { NAMESPACE, templateOf, World } from '../testing/world.ts'

function begun(
  image: string,
  spec: Readonly<Record<string, unknown>> = {},
  restartPolicy = 'Never',
  world = new World(),
): World {
  world.create(types.jobs, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate', namespace: NAMESPACE },
    spec: { template: templateOf(image, 'migrate', { restartPolicy }), ...spec },
  })
  return world
}

const status = (world: World) => world.get<Job>(types.jobs, 'migrate').status
const is = (world: World, type: string) => isTrue(status(world)?.conditions, type)

describe('a Job', () => {
  it('completes once its pod has succeeded', () => {
    const world = begun('tool:1.0').pass(10)
    expect(world.pods().map((pod) => pod.status?.phase)).toEqual(['Succeeded'])
    expect(status(world)).toMatchObject({ succeeded: 1, active: 0, uncountedTerminatedPods: {} })
    expect([is(world, 'SuccessCriteriaMet'), is(world, 'Complete'), is(world, 'Failed')]).toEqual([true, true, false])
    expect(status(world)?.completionTime).toBeDefined()
    expect(world.pods()[0]?.metadata.finalizers).toEqual([])
    expect(world.problems).toEqual([])
  })

  it('runs no more than its parallelism at once', () => {
    const world = begun('tool:1.0', { completions: 5, parallelism: 2 })
    for (let i = 0; i < 100; i++) expect(world.pass(0.1).pods().filter(isActive).length).toBeLessThanOrEqual(2)
    expect(status(world)?.succeeded).toBe(5)
    expect(world.pods()).toHaveLength(5)
  })

  it('gives each completion its index', () => {
    const world = begun('tool:1.0', { completions: 3, parallelism: 3, completionMode: 'Indexed' }).pass(10)
    const indexes = world
      .pods()
      .map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'])
    expect(indexes.sort()).toEqual(['0', '1', '2'])
  })

  it('fails when it has failed too often, waiting longer each time', () => {
    const world = begun('tool:1.0-fail', { backoffLimit: 2 }).pass(5)
    expect([status(world)?.failed, is(world, 'Failed')]).toEqual([1, false])
    world.pass(12)
    expect(status(world)?.failed).toBe(2)
    world.pass(25)
    expect([status(world)?.failed, is(world, 'FailureTarget'), is(world, 'Failed')]).toEqual([3, true, true])
    expect(world.events()).toContain('BackoffLimitExceeded: Job has reached the specified backoff limit')
    expect(world.pass(3600).pods()).toHaveLength(3)
  })

  it('counts restarts of a pod that is restarted in place', () => {
    const world = begun('tool:1.0-fail', { backoffLimit: 1 }, 'OnFailure').pass(60)
    expect(is(world, 'Failed')).toBe(true)
    expect(world.pods().filter(isActive)).toEqual([])
  })

  it('ends at its deadline', () => {
    const template = {
      ...templateOf('tool:1.0', 'migrate', { restartPolicy: 'Never' }),
      metadata: { annotations: { 'practice.flotilla.dev/run-ms': '600000' } },
    }
    const world = begun('tool:1.0', { template, activeDeadlineSeconds: 20 }).pass(19)
    expect(world.pods().filter(isActive)).toHaveLength(1)
    world.pass(5)
    expect([is(world, 'Failed'), status(world)?.conditions?.at(-1)?.reason]).toEqual([true, 'DeadlineExceeded'])
    expect(world.pods().filter(isActive)).toEqual([])
  })

  it('waits while it is suspended', () => {
    const world = begun('tool:1.0', { suspend: true }).pass(30)
    expect([world.pods().length, is(world, 'Suspended')]).toEqual([0, true])
    world.patch(types.jobs, 'migrate', { suspend: false })
    expect(is(world.pass(10), 'Complete')).toBe(true)
  })

  it('goes when its time to live is over', () => {
    const world = begun('tool:1.0', { ttlSecondsAfterFinished: 60 }).pass(30)
    expect(is(world, 'Complete')).toBe(true)
    world.pass(60)
    expect(world.store.get(types.jobs, NAMESPACE, 'migrate')).toBeUndefined()
  })

  it('tells why it can make no pod, has begun all the same, and makes one once it can', () => {
    const world = new World()
    const metadata = { name: 'q', namespace: NAMESPACE }
    world.create(types.resourcequotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata,
      spec: { hard: { pods: '0' } },
    })
    begun('tool:1.0', {}, 'Never', world).pass(5)
    expect(world.pods()).toEqual([])
    expect(world.events().find((each) => each.startsWith('FailedCreate: '))).toMatch(
      /^FailedCreate: Error creating: pods "migrate-[^"]*" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0$/,
    )
    expect(status(world)).toMatchObject({ active: 0, startTime: expect.any(String) })
    world.patch(types.resourcequotas, 'q', { hard: { pods: '1' } })
    expect(is(world.pass(20), 'Complete')).toBe(true)
    expect(world.problems).toEqual([])
  })

  it('counts each pod once, wherever the process stops', () => {
    const world = begun('tool:1.0', { completions: 4, parallelism: 2 })
    for (let i = 0; i < 60; i++) world.pass(0.07).restart()
    world.pass(10)
    expect(status(world)?.succeeded).toBe(4)
    expect(world.pods()).toHaveLength(4)
  })
})
