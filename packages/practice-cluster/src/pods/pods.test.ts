import { describe, expect, it } from 'vitest'
import { findCondition } from '../controllers/conditions.ts'
import type { Pod, PodSpec } from '../controllers/model.ts'
import { isReady } from '../controllers/pod-state.ts'
import { NAMESPACE, World } from '../controllers/testing/world.ts'
import { types } from '../resources/table.ts'
import { readLog } from './log.ts'

function withPod(
  image: string,
  spec: Partial<PodSpec> = {},
  annotations: Readonly<Record<string, string>> = {},
): World {
  const world = new World()
  world.create(types.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: NAMESPACE, annotations },
    spec: { containers: [{ name: 'main', image }], ...spec },
  })
  return world
}

const pod = (world: World) => world.get<Pod>(types.pods, 'p')
const main = (world: World) => pod(world).status?.containerStatuses?.[0]
const log = (world: World, more: { previous?: boolean; tailLines?: number; sinceSeconds?: number } = {}) =>
  readLog(pod(world), 'main', { now: world.clock.now(), ...more })?.map(({ text }) => text)

describe('a simulated pod', () => {
  it('is scheduled, starts, and becomes ready after a while', () => {
    const world = withPod('app:1.0').pass(0.1)
    expect(pod(world).spec.nodeName).toMatch(/^simulated-node-/)
    expect([pod(world).status?.phase, isReady(pod(world))]).toEqual(['Running', false])
    world.pass(1)
    expect(isReady(pod(world))).toBe(true)
    expect(main(world)).toMatchObject({
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: expect.any(String) } },
    })
    expect(pod(world).status?.podIP).toMatch(/^10\.244\./)
    expect(world.events().map((each) => each.split(':')[0])).toEqual(
      expect.arrayContaining(['Scheduled', 'Pulled', 'Created', 'Started']),
    )
  })

  it('takes the time that its annotation says', () => {
    const world = withPod('app:1.0', {}, { 'practice.flotilla.dev/ready-after-ms': '5000' }).pass(4)
    expect(isReady(pod(world))).toBe(false)
    expect(isReady(pod(world.pass(2)))).toBe(true)
  })

  it('takes its time to stop, and no more than its grace period', () => {
    const slowly = { 'practice.flotilla.dev/terminate-ms': '20000' }
    const world = withPod('app:1.0', {}, slowly).pass(1)
    world.remove(types.pods, 'p')
    expect(world.pass(19).restart().pods()).toHaveLength(1)
    expect(world.pass(2).pods()).toHaveLength(0)
    const hasty = withPod('app:1.0', { terminationGracePeriodSeconds: 3 }, slowly).pass(1)
    hasty.remove(types.pods, 'p')
    expect(hasty.pass(2).pods()).toHaveLength(1)
    expect(hasty.pass(2).pods()).toHaveLength(0)
  })

  it('is slow with a tag that says so', () => {
    const world = withPod('registry:5000/crash/app:1.0-slow').pass(19)
    expect(isReady(pod(world))).toBe(false)
    expect(isReady(pod(world.pass(2)))).toBe(true)
  })

  it('crashes again and again, with a growing distance', () => {
    const world = withPod('app:1.0-crash').pass(5)
    expect(main(world)).toMatchObject({
      restartCount: 1,
      ready: false,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    })
    expect(log(world)?.at(-1)).toContain('exiting with code 1')
    const restarts = [10, 20, 40, 80].map((seconds) => main(world.pass(seconds + 1))?.restartCount)
    expect(restarts).toEqual([2, 3, 4, 5])
    expect(pod(world).status?.phase).toBe('Running')
    expect(world.events().some((each) => each.startsWith('BackOff'))).toBe(true)
  })

  it('recovers when the fault is taken away', () => {
    const world = withPod('app:1.0', {}, { 'practice.flotilla.dev/fault': 'crash' }).pass(60)
    world.annotate(types.pods, 'p', { 'practice.flotilla.dev/fault': 'none' })
    expect(isReady(pod(world.pass(2)))).toBe(true)
    expect(log(world, { previous: true })?.at(-1)).toContain('exiting with code 1')
  })

  it('cannot pull an image', () => {
    const world = withPod('app:imagepull').pass(0.2)
    expect(main(world)?.state.waiting?.reason).toBe('ErrImagePull')
    expect(main(world.pass(5))?.state.waiting?.reason).toBe('ImagePullBackOff')
    expect([pod(world).status?.phase, log(world)]).toEqual(['Pending', undefined])
  })

  it('is never ready, and complains less and less often', () => {
    const world = withPod('app:never-ready').pass(3600)
    expect([pod(world).status?.phase, isReady(pod(world))]).toEqual(['Running', false])
    const unhealthy = world.store.list(types.events, NAMESPACE).find(({ reason }) => reason === 'Unhealthy')
    expect(unhealthy?.message).toContain('Readiness probe failed')
    expect(unhealthy?.count).toBeGreaterThan(5)
    expect(unhealthy?.count).toBeLessThan(30)
    expect(log(world)).toHaveLength(200)
    expect(log(world, { tailLines: 3 })).toHaveLength(3)
    expect(log(world, { sinceSeconds: 60 })?.length).toBeLessThanOrEqual(7)
  })

  it('runs init containers first, one after another', () => {
    const initContainers = ['a', 'b'].map((name) => ({ name, image: 'init:1' }))
    const world = withPod('app:1.0', { initContainers }).pass(0.1)
    expect(main(world)?.state.waiting?.reason).toBe('PodInitializing')
    world.pass(2)
    expect(pod(world).status?.initContainerStatuses?.map(({ state }) => state.terminated?.exitCode)).toEqual([0, 0])
    expect(isReady(pod(world))).toBe(true)
  })

  it('stays pending when no node fits, and goes on when one does', () => {
    const world = withPod('app:1.0', { nodeSelector: { disk: 'fast' } }).pass(5)
    expect(findCondition(pod(world).status?.conditions, 'PodScheduled')).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
    })
    expect(world.events()).toContain(
      "FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
    )
    const [node] = world.store.list(types.nodes)
    if (node === undefined) throw new Error('no node')
    world.store.update(types.nodes, { ...node, metadata: { ...node.metadata, labels: { disk: 'fast' } } })
    expect(isReady(pod(world.pass(2)))).toBe(true)
  })

  it('stays pending when it asks for more than a node has', () => {
    const containers = [{ name: 'main', image: 'app:1.0', resources: { requests: { cpu: '65' } } }]
    const world = withPod('app:1.0', { containers }).pass(5)
    expect(world.events()).toContain('FailedScheduling: 0/3 nodes are available: 3 Insufficient cpu.')
  })

  it('ends when it may, well or badly', () => {
    expect(pod(withPod('tool:1.0', { restartPolicy: 'Never' }).pass(5)).status?.phase).toBe('Succeeded')
    const failed = withPod('tool:fail', { restartPolicy: 'Never' }).pass(5)
    expect([pod(failed).status?.phase, main(failed)?.state.terminated?.exitCode]).toEqual(['Failed', 1])
  })

  it('is terminating for a moment when deleted, and gone at once with no grace', () => {
    const world = withPod('app:1.0').pass(2)
    world.remove(types.pods, 'p')
    world.pass(0.1)
    expect(pod(world).metadata.deletionTimestamp).toBeDefined()
    expect(world.events()).toContain('Killing: Stopping container main')
    world.pass(0.2)
    expect(world.pods()).toEqual([])
    const other = withPod('app:1.0').pass(2)
    other.store.delete(types.pods, NAMESPACE, 'p', { gracePeriodSeconds: 0 })
    expect(other.pods()).toEqual([])
  })

  it('stands the same after a restart', () => {
    const world = withPod('app:1.0-crash').pass(5)
    const before = log(world)
    const restarts = main(world)?.restartCount
    world.restart().pass(1)
    expect([main(world)?.restartCount, log(world)]).toEqual([restarts, before])
    expect(main(world.pass(10))?.restartCount).toBe(2)
  })

  it('shares nodes and addresses fairly', () => {
    const world = new World()
    for (let i = 0; i < 9; i++) {
      const metadata = { name: `p${i}`, namespace: NAMESPACE }
      world.create(types.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { containers: [{ name: 'main', image: 'a' }] },
      })
    }
    world.pass(2)
    const perNode = Map.groupBy(world.pods(), ({ spec }) => spec.nodeName)
    expect([...perNode.values()].map((pods) => pods.length)).toEqual([3, 3, 3])
    expect(new Set(world.pods().map(({ status }) => status?.podIP)).size).toBe(9)
  })
})
