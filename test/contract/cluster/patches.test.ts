import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, deployment, paths } from './support/objects.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
})
afterAll(() => cluster.stop())

type PodSpec = {
  template: { spec: { containers: { name: string; image: string; env?: unknown[]; ports?: unknown[] }[] } }
}

describe('merge patch', () => {
  it('merges objects and takes nulls away', async () => {
    await cluster.client.post(at.configmaps, configMap('merged', { a: '1', b: '2' }, { labels: { x: 'y' } }))
    const change = { data: { a: null, c: '3' }, metadata: { labels: { z: 'w' } } }
    const { body } = await cluster.client.patch(`${at.configmaps}/merged`, 'merge', change)
    expect(body.data).toEqual({ b: '2', c: '3' })
    expect(body.metadata.labels).toEqual({ x: 'y', z: 'w' })
  })

  it('replaces lists as a whole', async () => {
    await cluster.client.post(at.deployments, deployment('lists', { paused: true }))
    const containers = [{ name: 'other', image: 'busybox' }]
    const change = { spec: { template: { spec: { containers } } } }
    const { body } = await cluster.client.patch(`${at.deployments}/lists`, 'merge', change)
    expect((body.spec as PodSpec).template.spec.containers.map((each) => each.name)).toEqual(['other'])
  })

  it('is refused when it was made for another version', async () => {
    const { body: made } = await cluster.client.post(at.configmaps, configMap('versioned', { a: '1' }))
    await cluster.client.patch(`${at.configmaps}/versioned`, 'merge', { data: { a: '2' } })
    const stale = { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: '3' } }
    const { status, body } = await cluster.client.patch(`${at.configmaps}/versioned`, 'merge', stale)
    expect([status, body.reason]).toEqual([409, 'Conflict'])
  })
})

describe('JSON patch', () => {
  it('adds, replaces and removes', async () => {
    await cluster.client.post(at.configmaps, configMap('operated', { a: '1', b: '2' }))
    const { body } = await cluster.client.patch(`${at.configmaps}/operated`, 'json', [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'remove', path: '/data/b' },
      { op: 'add', path: '/metadata/labels', value: { made: 'yes' } },
    ])
    expect(body).toMatchObject({ data: { a: '9' }, metadata: { labels: { made: 'yes' } } })
  })

  it('changes nothing when an operation does not apply', async () => {
    await cluster.client.post(at.configmaps, configMap('tested', { a: '1' }))
    const { status, body } = await cluster.client.patch(`${at.configmaps}/tested`, 'json', [
      { op: 'replace', path: '/data/a', value: '2' },
      { op: 'test', path: '/data/a', value: '1' },
    ])
    expect([status, body.reason]).toEqual([422, 'Invalid'])
    expect((await cluster.client.get(`${at.configmaps}/tested`)).body.data).toEqual({ a: '1' })
  })
})

describe('strategic merge patch', () => {
  it('merges containers by name, environment by name and ports by number', async () => {
    const container = { env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] }
    await cluster.client.post(at.deployments, deployment('strategic', { paused: true }, container))
    const web = { name: 'web', image: 'nginx:2', env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 81 }] }
    const change = { spec: { template: { spec: { containers: [web, { name: 'side', image: 'busybox:1' }] } } } }
    const { body } = await cluster.client.patch(`${at.deployments}/strategic`, 'strategic', change)
    const { containers } = (body.spec as PodSpec).template.spec
    expect(containers.find((each) => each.name === 'web')).toMatchObject({ image: 'nginx:2' })
    expect(containers.find((each) => each.name === 'web')?.env).toHaveLength(2)
    expect(containers.find((each) => each.name === 'web')?.ports).toHaveLength(2)
    expect(containers.map((each) => each.name).sort()).toEqual(['side', 'web'])
  })

  it('knows the directives that delete and replace', async () => {
    const container = {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    }
    await cluster.client.post(at.deployments, deployment('directed', { paused: true }, container))
    const env = [{ $patch: 'delete', name: 'A' }]
    const change = {
      spec: {
        template: { spec: { containers: [{ name: 'web', env }] } },
        strategy: { $retainKeys: ['type'], type: 'Recreate' },
      },
    }
    const { status, body } = await cluster.client.patch(`${at.deployments}/directed`, 'strategic', change)
    expect(status).toBe(200)
    expect((body.spec as PodSpec).template.spec.containers[0]?.env).toEqual([{ name: 'B', value: '2' }])
    expect(body.spec?.strategy).toEqual({ type: 'Recreate' })
  })
})

describe('any patch', () => {
  it('needs an object and a known media type', async () => {
    expect((await cluster.client.patch(`${at.configmaps}/none`, 'merge', {})).status).toBe(404)
    await cluster.client.post(at.configmaps, configMap('media'))
    const odd = { method: 'PATCH', body: {}, type: 'application/odd' }
    const { status, body } = await cluster.client.send(`${at.configmaps}/media`, odd)
    expect([status, body.reason]).toEqual([415, 'UnsupportedMediaType'])
  })

  it('can be rehearsed', async () => {
    await cluster.client.post(at.configmaps, configMap('rehearsed', { a: '1' }))
    const path = `${at.configmaps}/rehearsed`
    const { body } = await cluster.client.patch(`${path}?dryRun=All`, 'merge', { data: { a: '2' } })
    expect(body.data).toEqual({ a: '2' })
    expect((await cluster.client.get(path)).body.data).toEqual({ a: '1' })
  })
})
