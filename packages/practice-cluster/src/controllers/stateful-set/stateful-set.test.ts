import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import type { StatefulSet } from '../model.ts'
import { isReady } from '../pod-state.ts'
import { NAMESPACE, templateOf, World } from '../testing/world.ts'

const SETTLE = 60

function settled(replicas: number, spec: Readonly<Record<string, unknown>> = {}): World {
  const world = new World()
  world.create(types.statefulsets, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: NAMESPACE },
    spec: {
      replicas,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: templateOf('db:1.0', 'db'),
      ...spec,
    },
  })
  return world.pass(SETTLE)
}

const upgrade = (world: World, image: string) =>
  world.patch(types.statefulsets, 'db', { template: templateOf(image, 'db') })
const status = (world: World) => world.get<StatefulSet>(types.statefulsets, 'db').status
const versions = (world: World) =>
  Object.fromEntries(world.pods().map(({ metadata, spec }) => [metadata.name, spec.containers[0]?.image]))

describe('a StatefulSet', () => {
  it('starts its pods one after another, each when those before are ready', () => {
    const world = settled(0)
    world.patch(types.statefulsets, 'db', { replicas: 3 })
    for (let i = 0; i < 40; i++) {
      world.pass(0.05)
      expect(world.pods().filter((pod) => !isReady(pod)).length).toBeLessThanOrEqual(1)
    }
    expect(Object.keys(versions(world))).toEqual(['db-0', 'db-1', 'db-2'])
    expect(status(world)).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 })
    expect(status(world)?.currentRevision).toBe(status(world)?.updateRevision)
    expect(world.problems).toEqual([])
  })

  it('starts them together when told to be parallel', () => {
    const world = settled(0, { podManagementPolicy: 'Parallel' })
    world.patch(types.statefulsets, 'db', { replicas: 3 })
    expect(world.pass(0.01).pods()).toHaveLength(3)
  })

  it('rolls from the top down, one at a time', () => {
    const world = settled(3)
    upgrade(world, 'db:2.0')
    const seen = new Set<string>()
    for (let i = 0; i < 100; i++) {
      world.pass(0.05)
      seen.add(
        Object.entries(versions(world))
          .filter(([, image]) => image === 'db:2.0')
          .map(([name]) => name)
          .join(),
      )
      expect(world.pods().filter(isReady).length).toBeGreaterThanOrEqual(2)
    }
    expect([...seen]).toEqual(['', 'db-2', 'db-1,db-2', 'db-0,db-1,db-2'])
    expect(status(world)).toMatchObject({ currentReplicas: 3, updatedReplicas: 3 })
  })

  it('stops at the partition, and gives a deleted pod below it back in the old version', () => {
    const world = settled(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 3 } } })
    upgrade(world, 'db:2.0')
    world.pass(SETTLE)
    expect(versions(world)).toEqual({ 'db-0': 'db:1.0', 'db-1': 'db:1.0', 'db-2': 'db:1.0' })
    world.patch(types.statefulsets, 'db', {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    })
    world.pass(SETTLE)
    world.remove(types.pods, 'db-0')
    world.pass(SETTLE)
    expect(versions(world)).toEqual({ 'db-0': 'db:1.0', 'db-1': 'db:1.0', 'db-2': 'db:2.0' })
    expect(status(world)).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 })
  })

  it('replaces nothing by itself with OnDelete, and comes back in the new version', () => {
    const world = settled(2, { updateStrategy: { type: 'OnDelete' } })
    upgrade(world, 'db:2.0')
    world.pass(SETTLE)
    world.remove(types.pods, 'db-1')
    world.pass(SETTLE)
    expect(versions(world)).toEqual({ 'db-0': 'db:1.0', 'db-1': 'db:2.0' })
  })

  it('never replaces a broken pod of an abandoned revision with OrderedReady', () => {
    const world = settled(3)
    upgrade(world, 'db:2.0-never-ready')
    world.pass(SETTLE)
    upgrade(world, 'db:1.0')
    world.pass(600)
    expect(versions(world)['db-2']).toBe('db:2.0-never-ready')
    world.remove(types.pods, 'db-2')
    world.pass(SETTLE)
    expect(Object.values(versions(world))).toEqual(['db:1.0', 'db:1.0', 'db:1.0'])
    expect(world.store.list(types.controllerrevisions, NAMESPACE)).toHaveLength(2)
  })

  it('scales down from the top and keeps the claims', () => {
    const claims = [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ]
    const world = settled(3, { volumeClaimTemplates: claims })
    world.patch(types.statefulsets, 'db', { replicas: 1 })
    world.pass(SETTLE)
    expect(Object.keys(versions(world))).toEqual(['db-0'])
    const left = world.store.list(types.persistentvolumeclaims, NAMESPACE)
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['data-db-0', 'data-db-1', 'data-db-2'])
    expect(left.every(({ status: bound }) => (bound as { phase: string }).phase === 'Bound')).toBe(true)
    expect(world.pods()[0]?.spec.volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }])
  })

  it('drops claims of scaled-away pods when its retention policy says so', () => {
    const claims = [{ metadata: { name: 'data' }, spec: {} }]
    const world = settled(2, {
      volumeClaimTemplates: claims,
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' },
    })
    world.patch(types.statefulsets, 'db', { replicas: 1 })
    world.pass(SETTLE)
    expect(world.store.list(types.persistentvolumeclaims, NAMESPACE)).toHaveLength(1)
  })

  it('goes on where a stopped process left', () => {
    const world = settled(4)
    upgrade(world, 'db:2.0')
    for (let i = 0; i < 10; i++) world.pass(0.23).restart()
    world.pass(SETTLE)
    expect(new Set(Object.values(versions(world)))).toEqual(new Set(['db:2.0']))
    expect(world.problems).toEqual([])
  })
})
