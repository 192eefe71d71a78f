import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { paths } from './support/objects.ts'
import { eventually } from './support/wait.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
})
afterAll(() => cluster.stop())

const proxied = (id: string, path: string) => cluster.client.send(`${at.pods}/${id}/proxy${path}`, { method: 'GET' })
const annotated = (name: string, fault: string) =>
  cluster.client.patch(`${at.pods}/${name}`, 'merge', {
    metadata: { annotations: { 'practice.flotilla.dev/fault': fault } },
  })

describe('the proxy to a pod', () => {
  it('knows no pod that is not there, and no other form of its name', async () => {
    expect(await proxied('nobody:80', '/health')).toMatchObject({ status: 404, body: { reason: 'NotFound' } })
    expect(await proxied('ftp:nobody:80', '/')).toMatchObject({ status: 400, body: { reason: 'BadRequest' } })
  })
})

/** Where containers run for real, these images do not exist. */
describe.skipIf(process.env.CONTRACT_KUBECONFIG !== undefined)('the proxy to a simulated pod', () => {
  async function serving(name: string): Promise<void> {
    const readinessProbe = { httpGet: { path: '/up', port: 'web' } }
    const ports = [{ name: 'web', containerPort: 8080 }]
    const spec = { containers: [{ name: 'web', image: 'web:1', ports, readinessProbe }] }
    await cluster.client.post(at.pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec })
    await eventually(async () => expect((await proxied(`${name}:8080`, '/up')).status).toBe(200))
  }

  it('gives what the container answers', async () => {
    await serving('well')
    const found = await proxied('http:well:8080', '/up')
    expect(found).toMatchObject({ status: 200, text: 'ok (simulated)\n' })
    expect(found.headers['content-type']).toContain('text/plain')
    expect([(await proxied('well', '/up')).status, (await proxied('well:8080', '/nothing/here')).status]).toEqual([
      200, 404,
    ])
    expect(await proxied('well', '')).toMatchObject({
      status: 301,
      headers: { location: expect.stringMatching(/proxy\/$/) },
    })
  })

  it('says as the API server does when nothing listens', async () => {
    await serving('deaf')
    const { status, body } = await proxied('deaf:81', '/up')
    expect([status, body.kind, body.reason]).toEqual([503, 'Status', 'ServiceUnavailable'])
    expect(body.message).toMatch(/^error trying to reach service: dial tcp .*:81: connect: connection refused$/)
  })

  it('follows a pod that turns sick, well and unready', async () => {
    await serving('moody')
    await annotated('moody', 'sick')
    expect(await proxied('moody:8080', '/up')).toMatchObject({ status: 503, text: expect.stringContaining('sick') })
    await annotated('moody', 'none')
    expect((await proxied('moody:8080', '/up')).status).toBe(200)
    await annotated('moody', 'never-ready')
    await eventually(async () => expect((await proxied('moody:8080', '/up')).status).toBe(503))
  })
})
