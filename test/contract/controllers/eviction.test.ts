import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { namesOf, reached, uidsOf } from './support/rollout.ts'
import { budget, deployment, livePods } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const allows = (app: string, disruptionsAllowed: number, currentHealthy: number) =>
  eventually(
    `${app} allows ${disruptionsAllowed} of ${currentHealthy}`,
    () => namespace.get('poddisruptionbudgets', app),
    ({ status, metadata }) =>
      status?.observedGeneration === metadata.generation &&
      status?.currentHealthy === currentHealthy &&
      status?.disruptionsAllowed === disruptionsAllowed,
  )

describe('an eviction', () => {
  it('can be asked for without moving anything, and answers to the budget', async () => {
    await namespace.create('deployments', deployment('evicted', 3))
    await namespace.create('poddisruptionbudgets', budget('evicted', { minAvailable: 3 }))
    await reached(namespace, 'evicted', { 1: 3 })
    const [pod] = await livePods(namespace, 'evicted')
    const name = pod?.metadata.name ?? ''
    await allows('evicted', 0, 3)
    expect(await namespace.evict(name, { dryRun: true })).toEqual({ status: 429, causes: ['DisruptionBudget'] })
    await namespace.patch('poddisruptionbudgets', 'evicted', { spec: { minAvailable: 2 } })
    await allows('evicted', 1, 3)
    expect((await namespace.evict(name, { dryRun: true })).status).toBe(201)
    expect(namesOf(await livePods(namespace, 'evicted'))).toContain(name)
    expect((await namespace.evict(name)).status).toBe(201)
    await eventually(
      'another pod',
      () => livePods(namespace, 'evicted'),
      (pods) => pods.length === 3 && !uidsOf(pods).includes(pod?.metadata.uid ?? ''),
    )
  })
})
