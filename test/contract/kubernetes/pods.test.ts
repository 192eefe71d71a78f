import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import { createClient, type KubeObject, resources, type Transport } from '../../../src/infra/kubernetes/index.ts'
import { eventually, podsAnswer, practiceCluster, type TestCluster } from '../../support/cluster.ts'

let cluster: TestCluster
let namespace: string
beforeAll(async () => {
  cluster = await practiceCluster()
  namespace = await cluster.namespace('pods')
})
afterAll(() => cluster.stop())

type Body = KubeObject & Readonly<Record<string, unknown>>
const pod = (name: string, tag = '1.0.0'): Body => ({
  metadata: { name, namespace, labels: { app: name } },
  spec: { containers: [{ name: 'main', image: `example/app:${tag}`, ports: [{ containerPort: 8080 }] }] },
})

async function running(name: string, tag?: string): Promise<string> {
  await cluster.client.create(resources.pods, pod(name, tag))
  const read = () => cluster.client.get<Body>(resources.pods, { namespace, name })
  const ready = await eventually(read, ({ status }) => JSON.stringify(status ?? {}).includes('"Ready","status":"True"'))
  return ready.metadata.uid ?? ''
}

describe('an eviction', () => {
  test('moves nothing as a dry run, and this very pod otherwise', async () => {
    const uid = await running('evicted')
    const { client } = cluster
    expect(await client.evict({ namespace, name: 'evicted', uid }, { dryRun: true })).toEqual({ kind: 'allowed' })
    expect(await client.evict({ namespace, name: 'evicted', uid: 'another' })).toEqual({ kind: 'gone' })
    expect((await client.get(resources.pods, { namespace, name: 'evicted' })).metadata.uid).toBe(uid)
    expect(await client.evict({ namespace, name: 'evicted', uid })).toEqual({ kind: 'allowed' })
    await eventually(
      () => client.find(resources.pods, { namespace, name: 'evicted' }),
      (found) => found === null,
    )
    expect(await client.evict({ namespace, name: 'evicted', uid })).toEqual({ kind: 'gone' })
  })

  test('is refused by a budget, in its words', async () => {
    const uid = await running('kept')
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'kept' } } }
    const budget: Body = { metadata: { name: 'kept', namespace }, spec }
    await cluster.client.create(resources.disruptionBudgets, budget)
    const asked = () => cluster.client.evict({ namespace, name: 'kept', uid }, { dryRun: true })
    const answer = await eventually(asked, ({ kind }) => kind === 'refused')
    expect(answer).toMatchObject({ why: expect.stringContaining('kept') })
  })
})

describe('a probe', () => {
  test.runIf(podsAnswer)('gives the status that the pod answers with, or the proxy for it', async () => {
    await running('healthy')
    await running('sick', '1.0.0-sick')
    const probe = (name: string, path = '/healthz', port = 8080) =>
      cluster.client.probe({ namespace, name, port, path })
    expect(await probe('healthy')).toBe(200)
    expect(await probe('healthy', '/nothing')).toBe(404)
    expect(await probe('healthy', '/healthz', 9)).toBe(503)
    expect(await probe('sick')).toBe(503)
    expect(await probe('nobody')).toBe(404)
  })

  test('of an endless answer ends early, of one that never comes in time', async () => {
    async function* endless() {
      for (;;) yield new Uint8Array(16 * 1024)
    }
    const answers: Transport = async () => ({ status: 200, headers: {}, body: endless() })
    const silent: Transport = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject))
    const broken: Transport = () => Promise.reject(new Error('connection refused'))
    const probe = (transport: Transport) =>
      createClient({ endpoint: cluster.endpoint, clock: systemClock, transport }).probe(
        { namespace, name: 'any', port: 1, path: '/' },
        { timeoutMs: 50 },
      )
    expect(await probe(answers)).toBe(200)
    expect(await probe(silent)).toBe('silent')
    await expect(probe(broken)).rejects.toMatchObject({ reason: 'Unreachable' })
  })
})
