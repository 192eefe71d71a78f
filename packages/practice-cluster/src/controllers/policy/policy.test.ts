import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import { findCondition } from '../conditions.ts'
import type { DisruptionBudget, Pod, ResourceQuota } from '../model.ts'
import { deploymentOf, NAMESPACE, templateOf, World } from '../testing/world.ts'
import { evictionOf } from './eviction.ts'
import { admissionFor } from './quota.ts'

function withBudget(replicas: number, spec: Readonly<Record<string, unknown>>): World {
  const world = new World()
  world.create(types.deployments, deploymentOf(replicas))
  const metadata = { name: 'web', namespace: NAMESPACE }
  const selector = { matchLabels: { app: 'web' } }
  world.create(types.poddisruptionbudgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { selector, ...spec },
  })
  return world.pass(5)
}

const budget = (world: World) => world.get<DisruptionBudget>(types.poddisruptionbudgets, 'web').status
const evict = (world: World, pod: Pod | undefined) => {
  if (pod === undefined) throw new Error('no pod')
  return evictionOf(world.store, pod, world.clock.now())
}

describe('a PodDisruptionBudget', () => {
  it.each([
    [{ minAvailable: 2 }, 2, 1],
    [{ minAvailable: '50%' }, 2, 1],
    [{ maxUnavailable: 1 }, 2, 1],
    [{ maxUnavailable: '34%' }, 1, 2],
    [{ minAvailable: 5 }, 5, 0],
  ])('%j of 3 wants %i healthy and allows %i', (spec, desiredHealthy, disruptionsAllowed) => {
    expect(budget(withBudget(3, spec))).toMatchObject({ desiredHealthy, disruptionsAllowed, currentHealthy: 3 })
  })

  it('lets one eviction pass and refuses the next until the pod is back', () => {
    const world = withBudget(3, { minAvailable: 2 })
    const [first, second] = world.pods()
    const verdict = evict(world, first)
    if (verdict.kind !== 'allowed' || verdict.budget === undefined) throw new Error('refused')
    world.store.updateStatus(types.poddisruptionbudgets, verdict.budget)
    expect(evict(world, second)).toMatchObject({
      kind: 'refused',
      code: 429,
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods and has 3 currently' },
      ],
    })
    world.remove(types.pods, first?.metadata.name ?? '')
    world.pass(0.05)
    expect(evict(world, second)).toMatchObject({
      kind: 'refused',
      causes: [{ message: expect.stringContaining('has 2 currently') }],
    })
    world.pass(5)
    expect(evict(world, second).kind).toBe('allowed')
  })

  it('forgets an eviction whose pod never went', () => {
    const world = withBudget(3, { minAvailable: 2 })
    const verdict = evict(world, world.pods()[0])
    if (verdict.kind !== 'allowed' || verdict.budget === undefined) throw new Error('refused')
    world.store.updateStatus(types.poddisruptionbudgets, verdict.budget)
    world.pass(1)
    expect(budget(world)?.disruptionsAllowed).toBe(0)
    world.pass(130)
    expect(budget(world)?.disruptionsAllowed).toBe(1)
  })

  it('refuses a pod of two budgets', () => {
    const world = withBudget(3, { minAvailable: 1 })
    const stored = world.get<DisruptionBudget>(types.poddisruptionbudgets, 'web')
    world.create(types.poddisruptionbudgets, { ...stored, metadata: { name: 'web-2', namespace: NAMESPACE } })
    expect(evict(world, world.pods()[0])).toMatchObject({ kind: 'refused', code: 500 })
  })

  it('lets pods go that are not healthy while enough others are', () => {
    const world = withBudget(3, { minAvailable: 2 })
    const [sick] = world.pods()
    world.annotate(types.pods, sick?.metadata.name ?? '', { 'practice.flotilla.dev/fault': 'never-ready' })
    world.pass(1)
    expect(budget(world)?.disruptionsAllowed).toBe(0)
    expect(evict(world, world.get<Pod>(types.pods, sick?.metadata.name ?? '')).kind).toBe('allowed')
  })
})

describe('a ResourceQuota', () => {
  const quota = (world: World, hard: Readonly<Record<string, string>>) =>
    world.create(types.resourcequotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'q', namespace: NAMESPACE },
      spec: { hard },
    })

  it('shows what is used and keeps further pods out', () => {
    const world = new World()
    quota(world, { pods: '2', 'requests.cpu': '1' })
    const containers = [{ name: 'main', image: 'app:1.0', resources: { requests: { cpu: '250m' } } }]
    world.create(types.deployments, deploymentOf(4, { template: templateOf('app:1.0', 'web', { containers }) }))
    world.pass(5)
    expect(world.pods()).toHaveLength(2)
    expect(world.get<ResourceQuota>(types.resourcequotas, 'q').status).toMatchObject({
      used: { pods: '2', 'requests.cpu': '500m' },
    })
    expect(findCondition(world.deployment().status?.conditions, 'ReplicaFailure')?.message).toContain(
      'exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
    )
    expect(world.events().some((each) => each.startsWith('FailedCreate: '))).toBe(true)
    world.patch(types.resourcequotas, 'q', { hard: { pods: '10', 'requests.cpu': '1' } })
    expect(world.pass(5).pods()).toHaveLength(4)
    expect(findCondition(world.deployment().status?.conditions, 'ReplicaFailure')).toBeUndefined()
  })

  it('refuses pods that do not say what it limits', () => {
    const world = new World()
    quota(world, { 'limits.memory': '1Gi' })
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: NAMESPACE },
      spec: templateOf('app:1.0').spec,
    }
    expect(admissionFor(world.store, pod)).toMatchObject({
      allowed: 0,
      why: expect.stringContaining('must specify limits.memory'),
    })
  })

  it('counts kinds under their plain and their general names', () => {
    const world = new World()
    quota(world, { configmaps: '2', 'count/deployments.apps': '1' })
    world.pass(1)
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: NAMESPACE } }
    expect(admissionFor(world.store, map).allowed).toBe(1)
    world.create(types.configmaps, map)
    expect(admissionFor(world.store, map).allowed).toBe(0)
    expect(admissionFor(world.store, deploymentOf(1)).allowed).toBe(1)
  })
})
