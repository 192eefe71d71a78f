import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { gate, namesOf, originals, pausedUpgrade, podsOf, reached } from './support/rollout.ts'
import { readyBackends, service } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const HASH = 'pod-template-hash'

async function hashOf(app: string, version: string): Promise<string | undefined> {
  const [pod] = await podsOf(namespace, app, version)
  return pod?.metadata.labels?.[HASH]
}

const pin = (app: string, hash: string | undefined | null) =>
  namespace.patch('services', app, { spec: { selector: { [HASH]: hash } } })

async function servedBy(app: string, version: string): Promise<void> {
  const wanted = namesOf(await podsOf(namespace, app, version)).toSorted()
  await eventually(
    `traffic on version ${version}`,
    () => readyBackends(namespace, app),
    (seen) => isDeepStrictEqual(seen.toSorted(), wanted),
  )
}

/** Both sides Ready, traffic pinned to the old one. */
async function bothSides(app: string, replicas: number): Promise<void> {
  await namespace.create('services', service(app))
  await pausedUpgrade(namespace, app, replicas)
  await pin(app, await hashOf(app, '1'))
  await namespace.patch('deployments', app, gate(0, '100%'))
  await reached(namespace, app, { 1: replicas, 2: replicas }, replicas)
}

describe('blue-green inside one Deployment', () => {
  it('switches traffic, and back, with the selector of the Service alone', async () => {
    await bothSides('switch', 3)
    await servedBy('switch', '1')
    await pin('switch', await hashOf('switch', '2'))
    await servedBy('switch', '2')
    await pin('switch', await hashOf('switch', '1'))
    await servedBy('switch', '1')
  })

  it('lets the old side go once the strategy is restored, and needs the pin no more', async () => {
    await bothSides('ends', 3)
    await pin('ends', await hashOf('ends', '2'))
    await servedBy('ends', '2')
    await namespace.patch('deployments', 'ends', { spec: originals })
    await reached(namespace, 'ends', { 2: 3 }, 3)
    await pin('ends', null)
    await servedBy('ends', '2')
    expect((await namespace.get('services', 'ends')).spec.selector).toEqual({ app: 'ends' })
  })

  it('leaves a Service without endpoints that is pinned to the side that goes', async () => {
    await bothSides('stranded', 2)
    await servedBy('stranded', '1')
    await namespace.patch('deployments', 'stranded', { spec: originals })
    await reached(namespace, 'stranded', { 2: 2 })
    await eventually(
      'no endpoint',
      () => readyBackends(namespace, 'stranded'),
      (names) => names.length === 0,
    )
  })
})
