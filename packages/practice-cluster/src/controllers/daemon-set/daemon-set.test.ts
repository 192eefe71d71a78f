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

describe('a DaemonSet with a surge', () => {
  const surging = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }

  it('starts the new pod of a node before the old one goes', () => {
    const world = settled(surging)
    upgrade(world)
    for (let i = 0; i < 100; i++) {
      world.pass(0.05)
      expect(world.pods().filter(isReady).length).toBeGreaterThanOrEqual(3)
      expect(world.pods().length).toBeLessThanOrEqual(5)
    }
    expect(images(world.pods())).toEqual({ 'agent:2.0': 3 })
    expect(world.problems).toEqual([])
  })

  it('waits with a new version that never becomes ready', () => {
    const world = settled(surging)
    world.patch(types.daemonsets, 'agent', { template: templateOf('agent:2.0-never-ready', 'agent') })
    world.pass(60)
    expect(images(world.pods())).toEqual({ 'agent:1.0': 3, 'agent:2.0-never-ready': 1 })
    expect(status(world)).toMatchObject({ numberReady: 3, numberUnavailable: 0, updatedNumberScheduled: 0 })
  })
})

describe('the nodes of a DaemonSet', () => {
  const node = (name: string, spec: object = {}, labels: Readonly<Record<string, string>> = {}) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec,
  })
  const places = (world: World) =>
    world
      .pods()
      .map(({ spec }) => spec.nodeName)
      .toSorted()

  it('get a pod when they join, and lose it when they leave', () => {
    const world = settled({ template: templateOf('agent:1.0', 'agent', { nodeSelector: { pool: 'a' } }) })
    expect(places(world)).toEqual([])
    for (const name of ['n1', 'n2']) world.create(types.nodes, node(name, {}, { pool: 'a' }))
    world.create(types.nodes, node('n3', {}, { pool: 'b' }))
    expect(places(world.pass(2))).toEqual(['n1', 'n2'])
    world.store.delete(types.nodes, '', 'n1')
    expect(places(world.pass(2))).toEqual(['n2'])
    expect(status(world)).toMatchObject({ desiredNumberScheduled: 1, numberMisscheduled: 0 })
    expect(world.problems).toEqual([])
  })

  it('refuse it by a taint, or keep what runs there when the taint only stops scheduling', () => {
    const world = settled()
    world.create(types.nodes, node('t1', { taints: [{ key: 'own', effect: 'NoSchedule' }] }))
    expect(places(world.pass(2))).not.toContain('t1')
    const tainted = (effect: string) => {
      const found = world.store.get(types.nodes, '', 'simulated-node-1')
      if (found !== undefined) world.store.update(types.nodes, { ...found, spec: { taints: [{ key: 'own', effect }] } })
      world.pass(2)
    }
    tainted('NoSchedule')
    expect(places(world)).toContain('simulated-node-1')
    expect(status(world)).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 1 })
    tainted('NoExecute')
    expect(places(world)).toEqual(['simulated-node-2', 'simulated-node-3'])
  })
})
