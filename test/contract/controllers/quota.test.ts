import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestNamespace } from './support/namespace.ts'
import { reached } from './support/rollout.ts'
import { deployment, livePods, template } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
  await namespace.create('resourcequotas', {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'limits' },
    spec: { hard: { pods: '3', 'requests.cpu': '1', 'count/secrets': '1' } },
  })
  await used({ pods: '0', 'requests.cpu': '0', 'count/secrets': '0' })
})
afterAll(() => namespace.close())

const used = (wanted: Readonly<Record<string, string>>) =>
  eventually(
    `used: ${JSON.stringify(wanted)}`,
    () => namespace.get('resourcequotas', 'limits'),
    ({ status }) =>
      Object.entries(wanted).every(
        ([name, value]) => (status?.used as Record<string, string> | undefined)?.[name] === value,
      ),
  )

const asking = (app: string, cpu: string): object => {
  const { metadata } = template(app, '1')
  const containers = [{ name: 'main', image: 'registry.invalid/app:1', resources: { requests: { cpu } } }]
  return { metadata, spec: { containers } }
}

const pod = (name: string, cpu?: string): object => {
  const { spec } = asking(name, cpu ?? '1') as { spec: { containers: [{ name: string; image: string }] } }
  const [{ image }] = spec.containers
  const containers = cpu === undefined ? [{ name: 'main', image }] : spec.containers
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { containers } }
}

describe('a ResourceQuota', () => {
  it('says what is used, and lets controllers make no more', async () => {
    await namespace.create('deployments', deployment('many', 5, { template: asking('many', '250m') }))
    await reached(namespace, 'many', { 1: 3 })
    await used({ pods: '3', 'requests.cpu': '750m' })
    const events = await namespace.list('events')
    const refusals = events.map(({ message }) => String(message)).filter((text) => text.startsWith('Error creating'))
    expect(refusals[0]).toMatch(/^Error creating: pods "many-[^"]*" is forbidden: exceeded quota: limits, requested: /)
    await namespace.patch('deployments', 'many', { spec: { replicas: 0 } })
    await used({ pods: '0', 'requests.cpu': '0' })
  })

  it('refuses what a client creates beyond it', async () => {
    await namespace.create('pods', pod('first', '800m'))
    await used({ 'requests.cpu': '800m' })
    const { status, body } = await namespace.submit('pods', pod('second', '300m'))
    expect([status, body.reason]).toEqual([403, 'Forbidden'])
    expect(body.message).toBe(
      'pods "second" is forbidden: exceeded quota: limits, requested: requests.cpu=300m, used: requests.cpu=800m, limited: requests.cpu=1',
    )
    expect((await livePods(namespace, 'second')).length).toBe(0)
    await namespace.remove('pods', 'first')
  })

  it('refuses pods that do not say what it limits', async () => {
    const { status, body } = await namespace.submit('pods', pod('silent'))
    expect(status).toBe(403)
    expect(body.message).toContain('failed quota: limits: must specify requests.cpu for: main')
  })

  it('counts other kinds', async () => {
    const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })
    expect((await namespace.submit('secrets', secret('one'))).status).toBe(201)
    await used({ 'count/secrets': '1' })
    expect((await namespace.submit('secrets', secret('two'))).status).toBe(403)
  })
})

describe('a HorizontalPodAutoscaler', () => {
  it('is kept as it was given', async () => {
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'many' }
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
    ]
    const spec = { scaleTargetRef, minReplicas: 2, maxReplicas: 6, metrics }
    const object = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'many' }, spec }
    await namespace.create('horizontalpodautoscalers', object)
    expect((await namespace.get('horizontalpodautoscalers', 'many')).spec).toEqual(spec)
    await namespace.patch('horizontalpodautoscalers', 'many', { spec: { maxReplicas: 9 } })
    const [listed] = await namespace.list('horizontalpodautoscalers')
    expect(listed?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 9 })
  })
})
