import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Body } from './support/client.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, paths } from './support/objects.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
  const labels = [{ app: 'a' }, { app: 'a', tier: 'web' }, { app: 'b', tier: 'web' }, { app: 'b' }, {}]
  for (const [i, each] of labels.entries()) {
    const secret = { apiVersion: 'v1', kind: 'Secret', type: i < 2 ? 'helm.sh/release.v1' : 'Opaque' }
    await cluster.client.post(at.secrets, { ...secret, metadata: { name: `s${i}`, labels: each } })
  }
})
afterAll(() => cluster.stop())

const namesOf = (body: Body): string[] => body.items.map((item) => item.metadata.name)
const selected = async (query: string): Promise<string[]> =>
  namesOf((await cluster.client.get(`${at.secrets}?${query}`)).body)

describe('lists', () => {
  it('select by labels', async () => {
    const queries: Record<string, string[]> = {
      'app=a': ['s0', 's1'],
      'app==a': ['s0', 's1'],
      'app!=a': ['s2', 's3', 's4'],
      'app in (a,b)': ['s0', 's1', 's2', 's3'],
      'app notin (a)': ['s2', 's3', 's4'],
      tier: ['s1', 's2'],
      '!tier': ['s0', 's3', 's4'],
      'app=a,tier=web': ['s1'],
      'app in (a, b),!tier': ['s0', 's3'],
    }
    for (const [query, names] of Object.entries(queries)) {
      expect([query, await selected(`labelSelector=${encodeURIComponent(query)}`)]).toEqual([query, names])
    }
  })

  it('select by fields', async () => {
    expect(await selected('fieldSelector=metadata.name%3Ds3')).toEqual(['s3'])
    expect(await selected('fieldSelector=type%3Dhelm.sh/release.v1')).toEqual(['s0', 's1'])
    expect(await selected('fieldSelector=type!%3Dhelm.sh/release.v1&labelSelector=app%3Db')).toEqual(['s2', 's3'])
  })

  it('refuse selectors that make no sense', async () => {
    for (const query of ['labelSelector=a%20b', 'fieldSelector=spec.odd%3D1']) {
      const { status, body } = await cluster.client.get(`${at.secrets}?${query}`)
      expect([query, status, body.reason]).toEqual([query, 400, 'BadRequest'])
    }
  })

  it('come in pages that agree with each other', async () => {
    const { body: first } = await cluster.client.get(`${at.secrets}?limit=2`)
    expect(namesOf(first)).toEqual(['s0', 's1'])
    expect(first.metadata.remainingItemCount).toBe(3)
    await cluster.client.post(at.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's2a' } })
    const rest = `limit=9&continue=${first.metadata.continue}`
    const { body: second } = await cluster.client.get(`${at.secrets}?${rest}`)
    expect(namesOf(second)).toEqual(['s2', 's3', 's4'])
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    expect(second.metadata.continue ?? '').toBe('')
    await cluster.client.delete(`${at.secrets}/s2a`)
  })

  it('say what they are and leave it out of their items', async () => {
    const { body } = await cluster.client.get(`${at.secrets}?limit=1`)
    expect(body).toMatchObject({ kind: 'SecretList', apiVersion: 'v1' })
    expect(body.items[0]).not.toHaveProperty('kind')
  })

  it('reach over all namespaces', async () => {
    const { body } = await cluster.client.get('/api/v1/secrets?labelSelector=tier%3Dweb')
    expect(namesOf(body)).toEqual(expect.arrayContaining(['s1', 's2']))
  })

  it('are refused from the future', async () => {
    const { status, body } = await cluster.client.get(`${at.secrets}?resourceVersion=999999999999`)
    expect([status, body.reason]).toEqual([504, 'Timeout'])
    expect(body.details?.causes?.[0]).toMatchObject({ reason: 'ResourceVersionTooLarge' })
    const { body: match } = await cluster.client.get(`${at.secrets}?resourceVersionMatch=Exact`)
    expect(match.reason).toBe('Invalid')
  })
})

describe('forms', () => {
  it('give the metadata alone', async () => {
    const one = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    const { body } = await cluster.client.get(`${at.secrets}/s0`, one)
    expect(body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 's0' } })
    expect(body).not.toHaveProperty('type')
    const all = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    const { body: list } = await cluster.client.get(at.secrets, all)
    expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    expect(list.items[0]).toMatchObject({ kind: 'PartialObjectMetadata' })
  })

  it('give the table that kubectl prints', async () => {
    await cluster.client.post(at.configmaps, configMap('shown', { a: '1', b: '2' }))
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    const { body } = await cluster.client.get(`${at.configmaps}?fieldSelector=metadata.name%3Dshown`, table)
    expect(body.kind).toBe('Table')
    expect((body.columnDefinitions as { name: string }[]).map((each) => each.name)).toEqual(['Name', 'Data', 'Age'])
    const [row] = body.rows as { cells: unknown[]; object: Body }[]
    expect(row?.cells[0]).toBe('shown')
    expect(Number(row?.cells[1])).toBe(2)
    expect(row?.object.metadata.name).toBe('shown')
  })
})
