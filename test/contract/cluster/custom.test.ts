import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { take } from './support/client.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { Tools } from './support/tools.ts'
import { eventually } from './support/wait.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Groups of this run alone, so that it leaves a shared cluster as it was. */
const group = `run${randomUUID().slice(0, 8)}.contract.example`

let cluster: ClusterUnderTest
let namespace: string
let backups: string
beforeAll(async () => {
  cluster = await startCluster()
  namespace = await freshNamespace(cluster)
  backups = `/apis/${group}/v1/namespaces/${namespace}/backups`
  await define(backupDefinition)
})
afterAll(async () => {
  await cluster.client.delete(`${DEFINITIONS}/backups.${group}`)
  await cluster.stop()
})

type Definition = { readonly metadata: { readonly name: string } }

function definition(plural: string, kind: string, scope: string, properties: object, more: object = {}): Definition {
  const openAPIV3Schema = { type: 'object', properties }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, subresources: { status: {} } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope, names: { plural, kind, ...more }, versions: [version] },
  } as Definition
}

const strings = { type: 'array', items: { type: 'string' } }
const backupDefinition = definition(
  'backups',
  'Backup',
  'Namespaced',
  {
    spec: {
      type: 'object',
      properties: { includedNamespaces: strings, ttl: { type: 'string' }, labels: open() },
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
  { shortNames: ['bkp'], singular: 'backup' },
)

function open(): object {
  return { type: 'object', additionalProperties: { type: 'string' } }
}

async function define(object: Definition): Promise<void> {
  expect((await cluster.client.post(DEFINITIONS, object)).status).toBe(201)
  await established(object.metadata.name)
}

/** A new kind is served a moment after it says so. */
const established = (name: string) =>
  eventually(async () => {
    const { body } = await cluster.client.get(`${DEFINITIONS}/${name}`)
    const { conditions = [] } = (body.status ?? {}) as { conditions?: { type: string; status: string }[] }
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }))
    const plural = name.slice(0, name.indexOf('.'))
    expect((await cluster.client.get(`/apis/${group}/v1/${plural}`)).status).toBe(200)
  })

const backup = (name: string, spec: object = { ttl: '1h' }) => ({
  apiVersion: `${group}/v1`,
  kind: 'Backup',
  metadata: { name },
  spec,
})

describe('a custom kind', () => {
  it('is refused when its definition is named otherwise', async () => {
    const odd = { ...backupDefinition, metadata: { name: `others.${group}` } }
    expect(await cluster.client.post(DEFINITIONS, odd)).toMatchObject({ status: 422, body: { reason: 'Invalid' } })
  })

  it('is listed by discovery', async () => {
    const { body } = await cluster.client.get(`/apis/${group}/v1`)
    expect(body.resources).toContainEqual(
      expect.objectContaining({ name: 'backups', kind: 'Backup', namespaced: true, shortNames: ['bkp'] }),
    )
    expect(body.resources).toContainEqual(expect.objectContaining({ name: 'backups/status' }))
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const { body: whole } = await cluster.client.get('/apis', accept)
    expect(whole.items.map((each) => each.metadata.name)).toContain(group)
  })

  it('has objects that are created, read, changed, listed and deleted', async () => {
    const created = await cluster.client.post(backups, backup('daily'))
    expect(created).toMatchObject({ status: 201, body: { kind: 'Backup', metadata: { generation: 1 } } })
    const again = await cluster.client.post(backups, backup('daily'))
    expect(again).toMatchObject({ status: 409, body: { reason: 'AlreadyExists' } })
    expect(again.body.message).toBe(`backups.${group} "daily" already exists`)
    const changed = await cluster.client.patch(`${backups}/daily`, 'merge', { spec: { ttl: '2h' } })
    expect(changed.body).toMatchObject({ spec: { ttl: '2h' }, metadata: { generation: 2 } })
    const { body } = await cluster.client.get(backups)
    expect(body).toMatchObject({ kind: 'BackupList', apiVersion: `${group}/v1`, items: [{ kind: 'Backup' }] })
    const whole = { ...changed.body, spec: { ttl: '3h' } }
    expect((await cluster.client.put(`${backups}/daily`, whole)).body.spec).toEqual({ ttl: '3h' })
    expect((await cluster.client.delete(`${backups}/daily`)).status).toBe(200)
    expect((await cluster.client.get(`${backups}/daily`)).status).toBe(404)
  })

  it('keeps what its schema declares and drops the rest', async () => {
    const spec = { ttl: '1h', labels: { any: 'key' }, includedNamespaces: ['a'], stray: 1 }
    const { body } = await cluster.client.post(backups, backup('pruned', spec))
    expect(body.spec).toEqual({ ttl: '1h', labels: { any: 'key' }, includedNamespaces: ['a'] })
    const strict = await cluster.client.post(`${backups}?fieldValidation=Strict`, backup('strict', spec))
    expect(strict.status).toBe(400)
    expect(strict.body.message).toContain('unknown field "spec.stray"')
  })

  it('has a status of its own', async () => {
    await cluster.client.post(backups, { ...backup('finished'), status: { phase: 'ignored' } })
    expect((await cluster.client.get(`${backups}/finished`)).body.status).toBeUndefined()
    const status = { phase: 'Completed', progress: { itemsBackedUp: 3 } }
    const done = await cluster.client.patch(`${backups}/finished/status`, 'merge', { status })
    expect(done.body).toMatchObject({ status, metadata: { generation: 1 } })
    await cluster.client.patch(`${backups}/finished`, 'merge', { status: { phase: 'lost' }, spec: { ttl: '9h' } })
    expect((await cluster.client.get(`${backups}/finished`)).body).toMatchObject({ status, spec: { ttl: '9h' } })
  })

  it('can be watched', async () => {
    const { body } = await cluster.client.get(backups)
    const path = `${backups}?watch=1&resourceVersion=${body.metadata.resourceVersion}`
    const seen = take(cluster.client.watch(path), 3)
    await cluster.client.post(backups, backup('watched'))
    await cluster.client.patch(`${backups}/watched`, 'merge', { spec: { ttl: '5h' } })
    await cluster.client.delete(`${backups}/watched`)
    expect((await seen).map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ['ADDED', 'watched'],
      ['MODIFIED', 'watched'],
      ['DELETED', 'watched'],
    ])
  })

  it('is applied from the server, field by field', async () => {
    const path = `${backups}/applied?fieldManager=one`
    expect((await cluster.client.patch(path, 'apply', backup('applied', { ttl: '1h' }))).status).toBe(201)
    const other = `${backups}/applied?fieldManager=two`
    const labelled = backup('applied', { labels: { a: 'b' } })
    expect((await cluster.client.patch(other, 'apply', labelled)).body.spec).toEqual({ ttl: '1h', labels: { a: 'b' } })
    const taken = await cluster.client.patch(other, 'apply', backup('applied', { ttl: '2h' }))
    expect(taken).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
    const strategic = await cluster.client.patch(`${backups}/applied`, 'strategic', { spec: { ttl: '4h' } })
    expect(strategic.status).toBe(415)
  })

  it('can be cluster-scoped, and its objects go before its definition', async () => {
    const plural = `/apis/${group}/v1/stores`
    await define(definition('stores', 'Store', 'Cluster', { spec: open() }))
    const store = {
      apiVersion: `${group}/v1`,
      kind: 'Store',
      metadata: { name: 's', finalizers: ['contract.example/f'] },
    }
    expect((await cluster.client.post(plural, store)).status).toBe(201)
    await cluster.client.delete(`${DEFINITIONS}/stores.${group}`)
    await eventually(async () => {
      expect((await cluster.client.get(`${plural}/s`)).body.metadata.deletionTimestamp).toEqual(expect.any(String))
    })
    expect((await cluster.client.get(`${DEFINITIONS}/stores.${group}`)).status).toBe(200)
    await cluster.client.patch(`${plural}/s`, 'merge', { metadata: { finalizers: null } })
    await eventually(async () => {
      expect((await cluster.client.get(`${DEFINITIONS}/stores.${group}`)).status).toBe(404)
      expect((await cluster.client.get(plural)).status).toBe(404)
    })
  })

  it('is a kind like others to kubectl', async () => {
    const tools = new Tools(cluster.kubeconfig)
    const folder = tools.folder({ 'backup.json': JSON.stringify(backup('printed')) })
    const applied = await tools.kubectl('apply', '-n', namespace, '-f', `${folder}/backup.json`)
    expect([applied.code, applied.stdout]).toEqual([0, `backup.${group}/printed created\n`])
    const shown = await tools.kubectl('get', '-n', namespace, 'bkp', 'printed', '-o', 'jsonpath={.spec.ttl}')
    expect([shown.code, shown.stdout]).toEqual([0, '1h'])
    const again = await tools.kubectl('apply', '-n', namespace, '-f', `${folder}/backup.json`)
    expect(again.stdout).toContain('unchanged')
    tools.remove()
  })

  it('leaves with its namespace', async () => {
    const other = await freshNamespace(cluster)
    const path = `/apis/${group}/v1/namespaces/${other}/backups`
    await cluster.client.post(path, backup('inside'))
    await cluster.client.delete(`/api/v1/namespaces/${other}`)
    await eventually(async () => {
      expect((await cluster.client.get(`/api/v1/namespaces/${other}`)).status).toBe(404)
      expect((await cluster.client.get(`${path}/inside`)).status).toBe(404)
    })
  })
})
