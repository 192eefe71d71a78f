import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import {
  ClusterError,
  createClient,
  createDiscovery,
  type KubeObject,
  resources,
} from '../../../src/infra/kubernetes/index.ts'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> }

let cluster: TestCluster
let namespace: string
beforeAll(async () => {
  cluster = await practiceCluster()
  namespace = await cluster.namespace('client')
})
afterAll(() => cluster.stop())

const configMaps = resources.configMaps
const make = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) =>
  cluster.client.create<ConfigMap>(configMaps, { metadata: { name, namespace, labels }, data })

async function failure(asked: Promise<unknown>): Promise<ClusterError> {
  try {
    await asked
  } catch (error) {
    if (error instanceof ClusterError) return error
    throw error
  }
  throw new Error('it succeeded')
}

describe('objects', () => {
  test('are created, read, replaced and deleted', async () => {
    const { client } = cluster
    const made = await make('whole', { k: '1' })
    expect(made.metadata.uid).toBeTruthy()
    await client.replace<ConfigMap>(configMaps, { ...made, data: { k: '2' } })
    expect((await client.get<ConfigMap>(configMaps, { namespace, name: 'whole' })).data).toEqual({ k: '2' })
    expect((await failure(client.replace(configMaps, made))).isConflict).toBe(true)
    expect(await client.delete(configMaps, { namespace, name: 'whole' })).toBe(true)
    expect(await client.delete(configMaps, { namespace, name: 'whole' })).toBe(false)
    expect(await client.find(configMaps, { namespace, name: 'whole' })).toBeNull()
  })

  test('are patched in three ways', async () => {
    const { client } = cluster
    await make('patched', { a: '1' })
    const name = { namespace, name: 'patched' }
    await client.patch(configMaps, name, { type: 'merge', body: { data: { b: '2', a: null } } })
    await client.patch(configMaps, name, { type: 'json', body: [{ op: 'add', path: '/data/c', value: '3' }] })
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { d: '4' } }
    await client.patch(configMaps, name, { type: 'apply', body, fieldManager: 'one' })
    expect((await client.get<ConfigMap>(configMaps, name)).data).toEqual({ b: '2', c: '3', d: '4' })
    const other = { ...body, data: { d: '5' } }
    const refused = await failure(client.patch(configMaps, name, { type: 'apply', body: other, fieldManager: 'two' }))
    expect(refused.status).toBe(409)
    expect(refused.details.causes?.[0]?.field).toBe('.data.d')
    await client.patch(configMaps, name, { type: 'apply', body: other, fieldManager: 'two', force: true })
    expect((await client.get<ConfigMap>(configMaps, name)).data?.d).toBe('5')
  })

  test('are deleted only while they are the ones that were meant', async () => {
    const { client } = cluster
    const { metadata } = await make('meant')
    const name = { namespace, name: 'meant' }
    const refused = await failure(client.delete(configMaps, name, { preconditions: { uid: 'another' } }))
    expect(refused.isConflict).toBe(true)
    expect(await client.delete(configMaps, name, { preconditions: { uid: metadata.uid ?? '' } })).toBe(true)
  })

  test('are read by their metadata alone', async () => {
    await make('secretive', { word: 'canary' })
    const found = await cluster.client.findMetadata(configMaps, { namespace, name: 'secretive' })
    expect(found?.metadata.name).toBe('secretive')
    expect(JSON.stringify(found)).not.toContain('canary')
  })
})

describe('lists', () => {
  test('are whole, over several pages', async () => {
    const wanted = Array.from({ length: 1203 }, (_, index) => `many-${index}`)
    for (let at = 0; at < wanted.length; at += 50) {
      await Promise.all(wanted.slice(at, at + 50).map((name) => make(name, {}, { many: 'yes' })))
    }
    const selection = { namespace, labelSelector: 'many=yes' }
    const { items, resourceVersion } = await cluster.client.listMetadata(configMaps, selection)
    expect(new Set(items.map(({ metadata }) => metadata.name))).toEqual(new Set(wanted))
    expect(Number(resourceVersion)).toBeGreaterThan(0)
  })

  test('of nothing are empty', async () => {
    const none = await cluster.client.list(configMaps, { namespace, labelSelector: 'many=no' })
    expect(none.items).toEqual([])
  })
})

describe('what is not there', () => {
  test('is absent only when the server says so of this object', async () => {
    const { client } = cluster
    expect(await client.find(configMaps, { namespace, name: 'never' })).toBeNull()
    const unserved = { group: 'no.such', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true }
    const error = await failure(client.find(unserved, { namespace, name: 'never' }))
    expect(error.status).toBe(404)
    expect(error.isAbsent).toBe(false)
  })

  test('is found out by discovery for a kind', async () => {
    const discovery = createDiscovery(cluster.client, systemClock)
    const ingress = await discovery.find('networking.k8s.io/v1', 'Ingress')
    expect(ingress).toMatchObject({ group: 'networking.k8s.io', plural: 'ingresses', namespaced: true })
    expect(await discovery.find('networking.k8s.io/v1', 'Nothing')).toBeNull()
    expect(await discovery.find('no.such/v1', 'Thing')).toBeNull()
  })
})

describe('failures', () => {
  test('of credentials are told as such', async () => {
    const stranger = { ...cluster.endpoint, server: cluster.endpoint.server, dispatcher: cluster.endpoint.dispatcher }
    const headers = () => Promise.resolve({ authorization: 'Bearer wrong' })
    const client = createClient({ endpoint: { ...stranger, headers }, clock: systemClock })
    const error = await failure(client.find(configMaps, { namespace, name: 'any' }))
    expect(error.isForbidden).toBe(true)
    expect(error.unreachable).toBe(false)
  })

  test('of the connection are unreachable, never absent', async () => {
    const { dispatcher } = cluster.endpoint
    const endpoint = { server: new URL('https://127.0.0.1:1'), dispatcher, headers: () => Promise.resolve({}) }
    const error = await failure(
      createClient({ endpoint, clock: systemClock }).find(configMaps, { namespace, name: 'x' }),
    )
    expect(error.unreachable).toBe(true)
    expect(error.isAbsent).toBe(false)
  })

  test('end at once with the signal of the caller', async () => {
    const reason = new Error('not wanted any more')
    const asked = cluster.client.list(configMaps, { namespace }, { signal: AbortSignal.abort(reason) })
    await expect(asked).rejects.toBe(reason)
  })
})
