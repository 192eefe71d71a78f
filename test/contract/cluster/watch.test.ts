import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drain, take } from './support/client.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, paths } from './support/objects.ts'

let cluster: ClusterUnderTest
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

/** An own namespace whose ConfigMaps start out known, whatever a controller puts there. */
async function place(): Promise<string> {
  return paths(await freshNamespace(cluster)).secrets
}

const secret = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels },
})

const seen = (events: readonly { type: string; object: { metadata: { name?: string } } }[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim())

describe('watch', () => {
  it('tells each change after a list', async () => {
    const at = await place()
    const { body: list } = await cluster.client.get(at)
    await cluster.client.post(at, secret('one'))
    const events = cluster.client.watch(`${at}?watch=true&resourceVersion=${list.metadata.resourceVersion}`)
    const first = await take(events, 1)
    expect(seen(first)).toEqual(['ADDED one'])
  })

  it('goes on from any version that is not forgotten', async () => {
    const at = await place()
    const { body: made } = await cluster.client.post(at, secret('two'))
    await cluster.client.patch(`${at}/two`, 'merge', { metadata: { labels: { a: 'b' } } })
    await cluster.client.delete(`${at}/two`)
    const from = made.metadata.resourceVersion
    const events = await take(cluster.client.watch(`${at}?watch=1&resourceVersion=${from}`), 2)
    expect(seen(events)).toEqual(['MODIFIED two', 'DELETED two'])
    const versions = events.map((event) => Number(event.object.metadata.resourceVersion))
    expect(versions[0]).toBeGreaterThan(Number(from))
    expect(versions[1]).toBeGreaterThan(versions[0] ?? 0)
  })

  it('begins with everything and marks the end of it', async () => {
    const at = await place()
    await cluster.client.post(at, secret('three'))
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const [added, bookmark] = await take(cluster.client.watch(`${at}?${query}`), 2)
    expect(added).toMatchObject({ type: 'ADDED', object: { kind: 'Secret', metadata: { name: 'three' } } })
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'Secret', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    expect(Number(bookmark?.object.metadata.resourceVersion)).toBeGreaterThan(0)
  })

  it('shows what enters and leaves a selection as added and deleted', async () => {
    const at = await place()
    const { body: list } = await cluster.client.get(at)
    await cluster.client.post(at, secret('four'))
    await cluster.client.patch(`${at}/four`, 'merge', { metadata: { labels: { on: 'yes' } } })
    await cluster.client.patch(`${at}/four`, 'merge', { metadata: { labels: { more: 'x' } } })
    await cluster.client.patch(`${at}/four`, 'merge', { metadata: { labels: { on: 'no' } } })
    const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}&labelSelector=on%3Dyes`
    const events = await take(cluster.client.watch(`${at}?${query}`), 3)
    expect(seen(events)).toEqual(['ADDED four', 'MODIFIED four', 'DELETED four'])
  })

  it('gives the metadata alone when asked', async () => {
    const at = await place()
    await cluster.client.post(at, secret('five'))
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    const [event] = await take(cluster.client.watch(`${at}?watch=1`, accept), 1)
    expect(event?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'five' } })
    expect(event?.object).not.toHaveProperty('type')
  })

  it('ends after timeoutSeconds', async () => {
    const at = await place()
    expect(await drain(cluster.client.watch(`${at}?watch=1&timeoutSeconds=1`))).toEqual([])
  })

  it('tells of every namespace when none is named', async () => {
    const at = await place()
    const { body: list } = await cluster.client.get('/api/v1/secrets?limit=1')
    await cluster.client.post(at, secret('everywhere', { contract: 'everywhere' }))
    const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}&labelSelector=contract%3Deverywhere`
    expect(seen(await take(cluster.client.watch(`/api/v1/secrets?${query}`), 1))).toEqual(['ADDED everywhere'])
  })

  it('is about ConfigMaps too', async () => {
    const at = paths(await freshNamespace(cluster)).configmaps
    await cluster.client.post(at, configMap('watched'))
    const query = 'watch=1&fieldSelector=metadata.name%3Dwatched'
    expect(seen(await take(cluster.client.watch(`${at}?${query}`), 1))).toEqual(['ADDED watched'])
  })
})
