import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import { findCondition } from '../conditions.ts'
import { isActive, isReady } from '../pod-state.ts'
import { deploymentOf, images, NAMESPACE, templateOf, World } from '../testing/world.ts'
import { revisionOf, sizeOf } from './replica-sets.ts'

const SETTLE = 120

function settled(replicas: number, spec: Readonly<Record<string, unknown>> = {}): World {
  const world = new World()
  world.create(types.deployments, deploymentOf(replicas, spec))
  return world.pass(5)
}

const upgrade = (world: World, image: string) => world.patch(types.deployments, 'web', { template: templateOf(image) })
const live = (world: World) => images(world.pods().filter(isActive))
const newest = (world: World) => world.replicaSets().reduce((a, b) => (revisionOf(b) > revisionOf(a) ? b : a))

describe('a Deployment', () => {
  it('becomes available', () => {
    const world = settled(3)
    expect(live(world)).toEqual({ 'app:1.0': 3 })
    expect(world.deployment().status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
      observedGeneration: 1,
    })
    expect(findCondition(world.deployment().status?.conditions, 'Progressing')?.reason).toBe('NewReplicaSetAvailable')
    expect(findCondition(world.deployment().status?.conditions, 'Available')?.status).toBe('True')
    expect(world.deployment().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
    expect(world.problems).toEqual([])
  })

  it('is quiet once it is complete', () => {
    const world = settled(3)
    const version = world.store.version
    world.pass(3600)
    expect(world.store.version).toBe(version)
    expect(world.clock.waiting).toBe(0)
  })

  it('rolls to another template and keeps the old ReplicaSet at 0', () => {
    const world = settled(4)
    upgrade(world, 'app:2.0')
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:2.0': 4 })
    expect(world.replicaSets().map(sizeOf).sort()).toEqual([0, 4])
    expect(revisionOf(newest(world))).toBe(2)
    expect(world.events().some((each) => each.startsWith('ScalingReplicaSet: Scaled down replica set'))).toBe(true)
  })

  it('goes back to an earlier template with the ReplicaSet that has it', () => {
    const world = settled(2)
    const first = newest(world).metadata.uid
    upgrade(world, 'app:2.0')
    world.pass(SETTLE)
    upgrade(world, 'app:1.0')
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 2 })
    expect(newest(world).metadata.uid).toBe(first)
    expect(revisionOf(newest(world))).toBe(3)
  })

  it('stops at a version that crashes and reports the deadline', () => {
    const world = settled(4, { progressDeadlineSeconds: 30 })
    upgrade(world, 'app:2.0-crash')
    world.pass(SETTLE)
    expect(live(world)['app:1.0']).toBe(3)
    expect(world.deployment().status?.availableReplicas).toBe(3)
    expect(findCondition(world.deployment().status?.conditions, 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
    })
    upgrade(world, 'app:1.0')
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 4 })
    expect(findCondition(world.deployment().status?.conditions, 'Progressing')?.reason).toBe('NewReplicaSetAvailable')
  })

  it('recreates only after every old pod is gone', () => {
    const world = settled(3, { strategy: { type: 'Recreate' } })
    upgrade(world, 'app:2.0')
    for (let i = 0; i < 100; i++) {
      world.pass(0.05)
      expect(Object.keys(images(world.pods())).length).toBeLessThanOrEqual(1)
    }
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:2.0': 3 })
  })

  it('keeps as many old ReplicaSets as it is told', () => {
    const world = settled(1, { revisionHistoryLimit: 2 })
    for (const version of ['2.0', '3.0', '4.0', '5.0']) {
      upgrade(world, `app:${version}`)
      world.pass(SETTLE)
    }
    expect(world.replicaSets()).toHaveLength(3)
  })

  it('adopts a ReplicaSet that its selector matches', () => {
    const world = settled(2)
    const [set] = world.replicaSets()
    if (set === undefined) throw new Error('no ReplicaSet')
    world.store.update(types.replicasets, { ...set, metadata: { ...set.metadata, ownerReferences: [] } })
    world.pass(1)
    expect(world.replicaSets()[0]?.metadata.ownerReferences?.[0]?.name).toBe('web')
  })

  it('goes on where a stopped process left', () => {
    const world = settled(6)
    upgrade(world, 'app:2.0')
    for (let i = 0; i < 12; i++) world.pass(0.17).restart()
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:2.0': 6 })
    expect(world.problems).toEqual([])
  })
})

describe('a held rollout', () => {
  const gate = (unavailable: number, surge = 0) => ({
    minReadySeconds: 2_000_000_000,
    progressDeadlineSeconds: 2_147_483_647,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
    paused: false,
  })

  function held(replicas: number, unavailable: number, surge = 0): World {
    const world = settled(replicas)
    world.patch(types.deployments, 'web', { paused: true })
    world.pass(1)
    upgrade(world, 'app:2.0')
    world.pass(5)
    expect(live(world)).toEqual({ 'app:1.0': replicas })
    expect(world.replicaSets()).toHaveLength(1)
    world.patch(types.deployments, 'web', gate(unavailable, surge))
    return world.pass(SETTLE)
  }

  it('stops at as many new pods as the gate lets in, and they are ready', () => {
    const world = held(10, 3)
    expect(live(world)).toEqual({ 'app:1.0': 7, 'app:2.0': 3 })
    expect(world.pods().every(isReady)).toBe(true)
    world.patch(types.deployments, 'web', gate(5))
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 5, 'app:2.0': 5 })
  })

  it('gives a deleted pod back in its own version', () => {
    const world = held(6, 2)
    for (const image of ['app:1.0', 'app:2.0']) {
      const pod = world.pods().find(({ spec }) => spec.containers[0]?.image === image)
      world.remove(types.pods, pod?.metadata.name ?? '')
      world.pass(SETTLE)
      expect(live(world)).toEqual({ 'app:1.0': 4, 'app:2.0': 2 })
    }
  })

  it('takes the old pods with the lowest deletion cost', () => {
    const world = held(6, 0, 1)
    const chosen = world
      .pods()
      .filter(({ spec }) => spec.containers[0]?.image === 'app:1.0')
      .slice(2, 4)
    for (const { metadata } of chosen) {
      world.annotate(types.pods, metadata.name, { 'controller.kubernetes.io/pod-deletion-cost': '-1000' })
    }
    world.patch(types.deployments, 'web', gate(2, 1))
    world.pass(SETTLE)
    const left = new Set(world.pods().map(({ metadata }) => metadata.name))
    expect(chosen.map(({ metadata }) => left.has(metadata.name))).toEqual([false, false])
  })

  it.each([
    [4, 1, [0, 1, 2, 3], [1, 2, 3, 4]],
    [10, 3, [0, 3, 6, 9], [3, 6, 9, 10]],
  ])('of %i pods with a surge of %i loses no capacity', (replicas, surge, steps, expected) => {
    const world = held(replicas, 0, surge)
    const reached = steps.map((unavailable) => {
      world.patch(types.deployments, 'web', gate(unavailable, surge))
      for (let i = 0; i < 60; i++) {
        world.pass(0.1)
        expect(world.pods().filter((pod) => isActive(pod) && isReady(pod)).length).toBeGreaterThanOrEqual(replicas)
      }
      return live(world)['app:2.0']
    })
    expect(reached).toEqual(expected)
  })

  it('passes scaling on, as the gate says', () => {
    const world = held(10, 2)
    world.patch(types.deployments, 'web', { replicas: 20 })
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 16, 'app:2.0': 4 })
    world.patch(types.deployments, 'web', { paused: true, replicas: 40 })
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 32, 'app:2.0': 8 })
  })

  it('completes when the originals are put back', () => {
    const world = held(5, 2)
    world.patch(types.deployments, 'web', { minReadySeconds: 0, progressDeadlineSeconds: 600, strategy: {} })
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:2.0': 5 })
    expect(findCondition(world.deployment().status?.conditions, 'Available')?.status).toBe('True')
  })

  it('goes back without touching the pods that were never upgraded', () => {
    const world = held(10, 5)
    const untouched = world.pods().filter(({ spec }) => spec.containers[0]?.image === 'app:1.0')
    world.patch(types.deployments, 'web', { paused: true })
    world.patch(types.deployments, 'web', { minReadySeconds: 0, progressDeadlineSeconds: 600 })
    upgrade(world, 'app:1.0')
    world.pass(1)
    world.patch(types.deployments, 'web', { paused: false })
    world.pass(SETTLE)
    world.patch(types.deployments, 'web', { strategy: {} })
    world.pass(SETTLE)
    expect(live(world)).toEqual({ 'app:1.0': 10 })
    const uids = new Set(world.pods().map(({ metadata }) => metadata.uid))
    expect(untouched.every(({ metadata }) => uids.has(metadata.uid))).toBe(true)
  })

  it('adds surge pods under pause when the strategy is put back too early', () => {
    const world = held(10, 0, 0)
    world.patch(types.deployments, 'web', { paused: true, strategy: { type: 'RollingUpdate' } })
    world.pass(SETTLE)
    expect(world.pods().filter(isActive)).toHaveLength(13)
  })
})

describe('a rolling update, whatever the numbers', () => {
  const limit = fc.oneof(
    fc.integer({ min: 0, max: 6 }),
    fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`),
  )
  const inPods = (value: number | string, replicas: number, round: (n: number) => number) =>
    typeof value === 'number' ? value : round((Number.parseInt(value, 10) * replicas) / 100)

  it('stays within its limits and converges', () => {
    const shape = fc.record({ replicas: fc.integer({ min: 1, max: 9 }), maxSurge: limit, maxUnavailable: limit })
    const property = fc.property(
      shape,
      fc.integer({ min: 1, max: 30 }),
      ({ replicas, maxSurge, maxUnavailable }, again) => {
        const world = settled(replicas, {
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
        })
        const surge = inPods(maxSurge, replicas, Math.ceil)
        const down = inPods(maxUnavailable, replicas, Math.floor)
        const most = replicas + surge
        const least = replicas - (surge === 0 && down === 0 ? 1 : Math.min(down, replicas))
        upgrade(world, 'app:2.0')
        for (let step = 0; step < 80; step++) {
          world.pass(0.1)
          if (step === again) upgrade(world, 'app:3.0')
          const active = world.pods().filter(isActive)
          expect(active.length).toBeLessThanOrEqual(most)
          expect(active.filter(isReady).length).toBeGreaterThanOrEqual(least)
        }
        world.pass(SETTLE)
        expect(live(world)).toEqual({ 'app:3.0': replicas })
        expect(world.store.list(types.pods, NAMESPACE)).toHaveLength(replicas)
        expect(world.problems).toEqual([])
      },
    )
    fc.assert(property, { numRuns: 40 })
  })
})
