import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, startCluster } from './support/cluster.ts'

let cluster: ClusterUnderTest
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

describe('discovery', () => {
  it('tells its version and that it is ready', async () => {
    const { body } = await cluster.client.get('/version')
    expect(body).toMatchObject({ major: '1', minor: '35' })
    expect(body.gitVersion).toMatch(/^v1\.35\./)
    for (const path of ['/livez', '/readyz', '/healthz']) {
      expect(await cluster.client.get(path)).toMatchObject({ status: 200, text: 'ok' })
    }
  })

  it('lists groups, versions and resources', async () => {
    const { body: groups } = await cluster.client.get('/apis')
    expect(groups.kind).toBe('APIGroupList')
    expect(groups.groups).toContainEqual(expect.objectContaining({ name: 'apps' }))
    const { body: core } = await cluster.client.get('/api/v1')
    const names = (core.resources as { name: string }[]).map((each) => each.name)
    expect(names).toEqual(expect.arrayContaining(['pods', 'pods/log', 'pods/eviction', 'secrets', 'namespaces']))
    const { body: apps } = await cluster.client.get('/apis/apps/v1')
    expect(apps.resources).toContainEqual(
      expect.objectContaining({ name: 'deployments', kind: 'Deployment', namespaced: true, shortNames: ['deploy'] }),
    )
    expect(apps.resources).toContainEqual(
      expect.objectContaining({ name: 'deployments/scale', kind: 'Scale', group: 'autoscaling', version: 'v1' }),
    )
  })

  it('gives all of it in one document to clients that can read it', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const { body, headers } = await cluster.client.get('/apis', accept)
    expect(headers['content-type']).toContain('as=APIGroupDiscoveryList')
    expect(body.kind).toBe('APIGroupDiscoveryList')
    const apps = body.items.find((each) => each.metadata.name === 'apps')
    const [version] = (apps?.versions ?? []) as { resources: { resource: string; subresources?: unknown[] }[] }[]
    const found = version?.resources.find((each) => each.resource === 'statefulsets')
    expect(found).toMatchObject({ responseKind: { kind: 'StatefulSet' }, scope: 'Namespaced' })
  })

  it('serves OpenAPI documents that say how lists merge and that it validates fields', async () => {
    const { body: root } = await cluster.client.get('/openapi/v3')
    const { serverRelativeURL } = (root.paths as Record<string, { serverRelativeURL: string }>)['apis/apps/v1'] ?? {}
    const { body } = await cluster.client.get(serverRelativeURL ?? '')
    const { schemas } = body.components as { schemas: Record<string, { properties: Record<string, object> }> }
    expect(schemas['io.k8s.api.core.v1.Container']?.properties.ports).toMatchObject({
      'x-kubernetes-patch-merge-key': 'containerPort',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
    })
    const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
    const { patch } = (body.paths as Record<string, { patch: { parameters: { name: string }[] } }>)[path] ?? {}
    expect(patch?.parameters.map((each) => each.name)).toContain('fieldValidation')
  })

  it('serves one OpenAPI v2 document of all kinds, for clients that read a list of them', async () => {
    const { body, headers } = await cluster.client.get('/openapi/v2')
    expect(headers['content-type']).toContain('application/json')
    expect(body.swagger).toBe('2.0')
    const definitions = body.definitions as Record<string, { properties: Record<string, object> }>
    expect(definitions['io.k8s.api.apps.v1.Deployment']).toMatchObject({
      properties: { spec: { $ref: '#/definitions/io.k8s.api.apps.v1.DeploymentSpec' } },
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    })
    expect(definitions['io.k8s.api.core.v1.PodSpec']?.properties.containers).toMatchObject({
      items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
      'x-kubernetes-patch-merge-key': 'name',
    })
    expect(await cluster.client.send('/openapi/v2', { method: 'GET', ifNoneMatch: headers.etag ?? '' })).toMatchObject({
      status: 304,
      text: '',
    })
  })

  it('serves that document as the protobuf that client-go asks for, and in no other form', async () => {
    for (const mark of ['@', '.']) {
      const accept = `application/com.github.proto-openapi.spec.v2${mark}v1.0+protobuf`
      const { headers, text } = await cluster.client.get('/openapi/v2', accept)
      expect(headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
      expect(text.slice(0, 5)).toBe('\n\u00032.0')
    }
    expect(await cluster.client.get('/openapi/v2', 'text/html')).toMatchObject({ status: 406 })
  })

  it('does not know other paths, methods and strangers', async () => {
    expect(await cluster.client.get('/api/v1/namespaces/default/nothings')).toMatchObject({ status: 404 })
    expect(await cluster.client.get('/apis/nothing.example/v1/things')).toMatchObject({ status: 404 })
    expect(await cluster.client.send('/api/v1/namespaces/default', { method: 'POST', body: {} })).toMatchObject({
      status: 405,
      body: { reason: 'MethodNotAllowed' },
    })
    const stranger = await cluster.client.send('/api/v1/namespaces', { method: 'GET', token: 'wrong' })
    expect(stranger).toMatchObject({ status: 401, body: { kind: 'Status', reason: 'Unauthorized', code: 401 } })
  })

  it('answers who one is and what one may do', async () => {
    const who = await cluster.client.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    })
    expect(who).toMatchObject({ status: 201, body: { status: { userInfo: { username: expect.any(String) } } } })
    const may = await cluster.client.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    })
    expect(may).toMatchObject({ status: 201, body: { status: { allowed: true } } })
  })
})
