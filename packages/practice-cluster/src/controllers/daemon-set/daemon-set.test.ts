import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import type { DaemonSet } from '../model.ts'
import { isReady } from '../pod-state.ts'
import { images, NAMESPACE, templateOf, World } from '../testing/world.ts'

function settled(spec: Readonly<Record<string, unknown>> = {}): World {
  const world = new World()
  world.create(types.daemonsets, {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace: NAMESPACE },
    spec: { selector: { matchLabels: { app: 'agent' } }, template: templateOf('agent:1.0', 'agent'), ...spec },
  })
  return world.pass(10)
}

const upgrade = (world: World) => world.patch(types.daemonsets, 'agent', { template: templateOf('agent:2.0', 'agent') })
const status = (world: World) => world.get<DaemonSet>(types.daemonsets, 'agent').status

describe('a DaemonSet', () => {
  it('has one pod on each node', () => {
    const world = settled()
    expect(
      world
        .pods()
        .map(({ spec }) => spec.nodeName)
        .sort(),
    ).toEqual(['simulated-node-1', 'simulated-node-2', 'simulated-node-3'])
    expect(status(world)).toMatchObject({
      desiredNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
    })
    expect(world.problems).toEqual([])
  })

  it('leaves out nodes that its selector does not match', () => {
    const world = settled({
      template: templateOf('agent:1.0', 'agent', { nodeSelector: { 'kubernetes.io/hostname': 'simulated-node-2' } }),
    })
    expect(world.pods().map(({ spec }) => spec.nodeName)).toEqual(['simulated-node-2'])
  })

  it('rolls one node at a time', () => {
    const world = settled()
    upgrade(world)
    for (let i = 0; i < 100; i++) {
      world.pass(0.05)
      expect(world.pods().filter(isReady).length).toBeGreaterThanOrEqual(2)
    }
    expect(images(world.pods())).toEqual({ 'agent:2.0': 3 })
  })

  it('with OnDelete replaces only what is deleted', () => {
    const world = settled({ updateStrategy: { type: 'OnDelete' } })
    upgrade(world)
    world.pass(10)
    expect(images(world.pods())).toEqual({ 'agent:1.0': 3 })
    world.remove(types.pods, world.pods()[0]?.metadata.name ?? '')
    world.pass(10)
    expect(images(world.pods())).toEqual({ 'agent:1.0': 2, 'agent:2.0': 1 })
  })
})
