import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, paths } from './support/objects.ts'
import { eventually } from './support/wait.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
})
afterAll(() => cluster.stop())

/** Garbage collection and namespaces need controllers, which a bare API server does not have. */
const withControllers = describe.skipIf(process.env.CONTRACT_API_ONLY !== undefined)

const gone = (path: string) => eventually(async () => expect((await cluster.client.get(path)).status).toBe(404))

describe('deletion', () => {
  it('answers with a Status, and 404 the next time', async () => {
    const { body: made } = await cluster.client.post(at.configmaps, configMap('deleted'))
    const path = `${at.configmaps}/deleted`
    expect(await cluster.client.delete(path)).toMatchObject({
      status: 200,
      body: {
        kind: 'Status',
        status: 'Success',
        details: { name: 'deleted', kind: 'configmaps', uid: made.metadata.uid },
      },
    })
    expect(await cluster.client.delete(path)).toMatchObject({ status: 404, body: { reason: 'NotFound' } })
  })

  it('respects preconditions', async () => {
    const { body: made } = await cluster.client.post(at.configmaps, configMap('guarded'))
    const path = `${at.configmaps}/guarded`
    const refused = await cluster.client.delete(path, { preconditions: { uid: 'another' } })
    expect(refused).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
    expect(refused.body.message).toContain(
      `the UID in the precondition (another) does not match the UID in record (${made.metadata.uid})`,
    )
    const stale = await cluster.client.delete(path, { preconditions: { resourceVersion: '1' } })
    expect(stale.status).toBe(409)
    expect((await cluster.client.delete(path, { preconditions: { uid: made.metadata.uid } })).status).toBe(200)
  })

  it('waits for finalizers', async () => {
    await cluster.client.post(at.configmaps, configMap('held', {}, { finalizers: ['example.com/hold'] }))
    const path = `${at.configmaps}/held`
    const { body } = await cluster.client.delete(path)
    expect(body.metadata.deletionTimestamp).toEqual(expect.any(String))
    expect((await cluster.client.get(path)).status).toBe(200)
    await cluster.client.patch(path, 'merge', { metadata: { finalizers: null } })
    expect((await cluster.client.get(path)).status).toBe(404)
  })

  it('can be rehearsed', async () => {
    await cluster.client.post(at.configmaps, configMap('kept'))
    expect((await cluster.client.delete(`${at.configmaps}/kept?dryRun=All`)).status).toBe(200)
    expect((await cluster.client.get(`${at.configmaps}/kept`)).status).toBe(200)
  })

  it('takes a whole selection', async () => {
    for (const name of ['c1', 'c2'])
      await cluster.client.post(at.configmaps, configMap(name, {}, { labels: { all: 'yes' } }))
    const query = 'labelSelector=all%3Dyes'
    expect((await cluster.client.delete(`${at.configmaps}?${query}`)).status).toBe(200)
    expect((await cluster.client.get(`${at.configmaps}?${query}`)).body.items).toEqual([])
  })
})

withControllers('garbage', () => {
  async function family(name: string): Promise<{ owner: string; child: string }> {
    const { body } = await cluster.client.post(at.configmaps, configMap(name))
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name, uid: body.metadata.uid, blockOwnerDeletion: true }
    await cluster.client.post(at.configmaps, configMap(`${name}-child`, {}, { ownerReferences: [reference] }))
    return { owner: `${at.configmaps}/${name}`, child: `${at.configmaps}/${name}-child` }
  }

  it('follows its owner in the background', async () => {
    const { owner, child } = await family('background')
    await cluster.client.delete(owner, { propagationPolicy: 'Background' })
    await gone(child)
  })

  it('goes before its owner in the foreground', async () => {
    const { owner, child } = await family('foreground')
    await cluster.client.delete(owner, { propagationPolicy: 'Foreground' })
    await gone(owner)
    expect((await cluster.client.get(child)).status).toBe(404)
  })

  it('stays when orphaned', async () => {
    const { owner, child } = await family('orphan')
    await cluster.client.delete(owner, { propagationPolicy: 'Orphan' })
    await gone(owner)
    const { status, body } = await cluster.client.get(child)
    expect(status).toBe(200)
    expect(body.metadata.ownerReferences ?? []).toEqual([])
  })

  it('goes when its owner never was', async () => {
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'not-a-uid-of-anybody' }
    await cluster.client.post(at.configmaps, configMap('stray', {}, { ownerReferences: [reference] }))
    await gone(`${at.configmaps}/stray`)
  })
})

describe('the namespaces that a cluster comes with', () => {
  it.each(['default', 'kube-system', 'kube-public'])('%s is not deleted', async (name) => {
    const { status, body } = await cluster.client.delete(`/api/v1/namespaces/${name}`)
    expect([status, body.reason]).toEqual([403, 'Forbidden'])
    expect(body.message).toBe(`namespaces "${name}" is forbidden: this namespace may not be deleted`)
    expect((await cluster.client.get('/api/v1/namespaces/default')).status).toBe(200)
  })
})

withControllers('namespaces', () => {
  it('take their contents with them and accept nothing new meanwhile', async () => {
    const namespace = await freshNamespace(cluster)
    const inside = paths(namespace)
    await cluster.client.post(inside.configmaps, configMap('held', {}, { finalizers: ['example.com/hold'] }))
    await cluster.client.post(inside.configmaps, configMap('free'))
    await cluster.client.delete(`/api/v1/namespaces/${namespace}`)
    await gone(`${inside.configmaps}/free`)
    expect(await cluster.client.get(`/api/v1/namespaces/${namespace}`)).toMatchObject({
      body: { status: { phase: 'Terminating' } },
    })
    const late = await cluster.client.post(inside.configmaps, configMap('late'))
    expect(late).toMatchObject({ status: 403, body: { reason: 'Forbidden' } })
    expect(late.body.message).toContain('because it is being terminated')
    await cluster.client.patch(`${inside.configmaps}/held`, 'merge', { metadata: { finalizers: null } })
    await gone(`/api/v1/namespaces/${namespace}`)
  })

  it('lose their pods before anything else', async () => {
    const namespace = await freshNamespace(cluster)
    const inside = paths(namespace)
    const metadata = { name: 'held', finalizers: ['example.com/hold'] }
    const spec = { containers: [{ name: 'main', image: 'registry.invalid/app:1' }] }
    await cluster.client.post(inside.pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
    await cluster.client.post(inside.configmaps, configMap('last'))
    await cluster.client.delete(`/api/v1/namespaces/${namespace}`)
    await eventually(async () => {
      const { body } = await cluster.client.get(`${inside.pods}/held`)
      expect(body.metadata.deletionTimestamp).toBeDefined()
    })
    expect((await cluster.client.get(`${inside.configmaps}/last`)).status).toBe(200)
    await cluster.client.patch(`${inside.pods}/held`, 'merge', { metadata: { finalizers: null } })
    await gone(`/api/v1/namespaces/${namespace}`)
  })
})
