import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { types } from '../resources/table.ts'
import type { StatefulSet } from './model.ts'
import { isActive, isReady } from './pod-state.ts'
import { deploymentOf, images, NAMESPACE, templateOf, World } from './testing/world.ts'

/** What people and machines do to workloads, in any order. */
type Act =
  | { readonly kind: 'scale'; readonly replicas: number }
  | { readonly kind: 'upgrade'; readonly version: number }
  | { readonly kind: 'kill'; readonly pod: number; readonly force: boolean }
  | { readonly kind: 'pause'; readonly paused: boolean }
  | { readonly kind: 'orphan'; readonly pod: number }
  | { readonly kind: 'restart' }

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('upgrade' as const), version: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('kill' as const), pod: fc.nat(20), force: fc.boolean() }),
  fc.record({ kind: fc.constant('pause' as const), paused: fc.boolean() }),
  fc.record({ kind: fc.constant('orphan' as const), pod: fc.nat(20) }),
  fc.constant({ kind: 'restart' as const }),
)
const story = fc.array(fc.tuple(act, fc.integer({ min: 0, max: 900 })), { minLength: 1, maxLength: 12 })

const workloads = [types.deployments, types.statefulsets] as const

function begin(): World {
  const world = new World()
  world.create(types.deployments, deploymentOf(3))
  world.create(types.statefulsets, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'db' } },
      template: templateOf('db:1', 'db'),
    },
  })
  return world.pass(3)
}

function perform(world: World, what: Act): void {
  if (what.kind === 'restart') world.restart()
  if (what.kind === 'scale') for (const type of workloads) world.patch(type, 'web', { replicas: what.replicas })
  if (what.kind === 'pause') world.patch(types.deployments, 'web', { paused: what.paused })
  if (what.kind === 'upgrade') {
    world.patch(types.deployments, 'web', { template: templateOf(`app:${what.version}`) })
    world.patch(types.statefulsets, 'web', { template: templateOf(`db:${what.version}`, 'db') })
  }
  const pod = 'pod' in what ? world.pods()[what.pod % Math.max(1, world.pods().length)] : undefined
  if (pod === undefined) return
  if (what.kind === 'orphan') {
    world.store.update(types.pods, { ...pod, metadata: { ...pod.metadata, ownerReferences: [] } })
    return
  }
  const grace = what.kind === 'kill' && what.force ? { gracePeriodSeconds: 0 } : {}
  world.store.delete(types.pods, NAMESPACE, pod.metadata.name, grace)
}

describe('workloads, whatever happens to them', () => {
  it('end as their specifications say, and then keep still', () => {
    const property = fc.property(story, (acts) => {
      const world = begin()
      for (const [what, ms] of acts) {
        perform(world, what)
        world.pass(ms / 1000)
      }
      world.patch(types.deployments, 'web', { paused: false })
      world.pass(120)
      const { spec } = world.deployment()
      const set = world.get<StatefulSet>(types.statefulsets, 'web')
      const wanted = (image: string | undefined, replicas = 0) => (replicas === 0 ? {} : { [image ?? '']: replicas })
      expect(images(world.pods())).toEqual({
        ...wanted(spec.template.spec.containers[0]?.image, spec.replicas),
        ...wanted(set.spec.template.spec.containers[0]?.image, set.spec.replicas),
      })
      expect(world.pods().every((pod) => isActive(pod) && isReady(pod))).toBe(true)
      expect(set.status).toMatchObject({ readyReplicas: set.spec.replicas, updatedReplicas: set.spec.replicas })
      const { version } = world.store
      world.pass(3600)
      expect(world.store.version).toBe(version)
      expect(world.problems).toEqual([])
    })
    fc.assert(property, { numRuns: 60 })
  })
})
