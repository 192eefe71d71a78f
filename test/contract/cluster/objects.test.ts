import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, deployment, paths, service } from './support/objects.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
})
afterAll(() => cluster.stop())

describe('create', () => {
  it('gives an object its identity', async () => {
    const { status, body } = await cluster.client.post(at.configmaps, configMap('made', { a: '1' }))
    expect(status).toBe(201)
    expect(body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } })
    expect(body.metadata).toMatchObject({ name: 'made', uid: expect.any(String), resourceVersion: expect.any(String) })
    expect(await cluster.client.get(`${at.configmaps}/made`)).toMatchObject({ status: 200, body })
  })

  it('makes a name from generateName', async () => {
    const input = { ...configMap(''), metadata: { generateName: 'gen-' } }
    const { body } = await cluster.client.post(at.configmaps, input)
    expect(body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/)
  })

  it('refuses what exists, what has no namespace and what belongs elsewhere', async () => {
    await cluster.client.post(at.configmaps, configMap('twice'))
    expect(await cluster.client.post(at.configmaps, configMap('twice'))).toMatchObject({
      status: 409,
      body: {
        reason: 'AlreadyExists',
        message: 'configmaps "twice" already exists',
        details: { name: 'twice', kind: 'configmaps' },
      },
    })
    expect(await cluster.client.post(paths('missing-namespace').configmaps, configMap('x'))).toMatchObject({
      status: 404,
      body: { reason: 'NotFound', message: 'namespaces "missing-namespace" not found' },
    })
    expect(await cluster.client.post(at.configmaps, configMap('x', {}, { namespace: 'other' }))).toMatchObject({
      status: 400,
      body: { message: 'the namespace of the provided object does not match the namespace sent on the request' },
    })
  })

  it('refuses wrong and missing names', async () => {
    const wrong = await cluster.client.post(at.configmaps, configMap('Wrong_Name'))
    expect(wrong).toMatchObject({ status: 422, body: { reason: 'Invalid', details: { kind: 'ConfigMap' } } })
    expect(wrong.body.message).toMatch(/^ConfigMap "Wrong_Name" is invalid: metadata.name: Invalid value: "Wrong_Name"/)
    expect(wrong.body.details?.causes?.[0]).toMatchObject({ reason: 'FieldValueInvalid', field: 'metadata.name' })
    const missing = await cluster.client.post(at.configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })
    expect(missing.body.message).toBe(
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    )
  })

  it('refuses values of a wrong type, and unknown fields when asked to be strict', async () => {
    const number = await cluster.client.post(at.configmaps, { ...configMap('typed'), data: { a: 1 } })
    expect(number).toMatchObject({ status: 400, body: { reason: 'BadRequest' } })
    expect(number.body.message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ' +
        'ConfigMap.data of type string',
    )
    const unknown = { ...deployment('strict', { replica: 1 }), extra: true }
    const strict = await cluster.client.post(`${at.deployments}?fieldValidation=Strict`, unknown)
    expect(strict.status).toBe(400)
    expect(strict.body.message).toContain('strict decoding error: unknown field "')
    expect(strict.body.message).toContain('unknown field "spec.replica"')
    const relaxed = await cluster.client.post(`${at.deployments}?fieldValidation=Ignore`, unknown)
    expect(relaxed.status).toBe(201)
    expect(relaxed.body).not.toHaveProperty('extra')
    expect((await cluster.client.post(at.configmaps, '{"apiVersion":')).status).toBe(400)
  })

  it('refuses a workload that cannot work', async () => {
    const empty = { ...deployment('bare'), spec: { template: {} } }
    const { status, body } = await cluster.client.post(at.deployments, empty)
    expect(status).toBe(422)
    expect(body.message).toMatch(/^Deployment.apps "bare" is invalid: \[spec.selector: Required value, /)
    expect(body.details?.causes).toContainEqual(
      expect.objectContaining({ reason: 'FieldValueRequired', field: 'spec.template.spec.containers' }),
    )
  })

  it('limits Secrets and ConfigMaps to 1 MiB', async () => {
    const data = { a: Buffer.alloc(1_048_577).toString('base64') }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'big' }, data }
    const { status, body } = await cluster.client.post(at.secrets, secret)
    expect(status).toBe(422)
    expect(body.message).toBe('Secret "big" is invalid: data: Too long: may not be more than 1048576 bytes')
    expect(body.details?.causes?.[0]).toMatchObject({ reason: 'FieldValueTooLong', field: 'data' })
    const fits = { ...secret, data: { a: Buffer.alloc(1_048_576).toString('base64') } }
    expect((await cluster.client.post(at.secrets, fits)).status).toBe(201)
  })

  it('rehearses with dryRun', async () => {
    const { status, body } = await cluster.client.post(`${at.configmaps}?dryRun=All`, configMap('rehearsed'))
    expect(status).toBe(201)
    expect(body.metadata.uid).toEqual(expect.any(String))
    expect((await cluster.client.get(`${at.configmaps}/rehearsed`)).status).toBe(404)
  })

  it('keeps stringData of a Secret as data', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'text' }, stringData: { a: 'hello' } }
    const { body } = await cluster.client.post(at.secrets, secret)
    expect(body).toMatchObject({ type: 'Opaque', data: { a: Buffer.from('hello').toString('base64') } })
    expect(body).not.toHaveProperty('stringData')
  })
})

describe('defaults', () => {
  it('fills in a Deployment', async () => {
    const probe = { readinessProbe: { httpGet: { port: 80 } }, ports: [{ containerPort: 80 }] }
    const { body } = await cluster.client.post(at.deployments, deployment('defaults', {}, probe))
    expect(body.metadata.generation).toBe(1)
    expect(body.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      template: {
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          securityContext: {},
          containers: [
            {
              imagePullPolicy: 'IfNotPresent',
              resources: {},
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              readinessProbe: {
                httpGet: { path: '/', port: 80, scheme: 'HTTP' },
                periodSeconds: 10,
                timeoutSeconds: 1,
              },
            },
          ],
        },
      },
    })
  })

  it('gives a Service an address, and a headless one none', async () => {
    const { body } = await cluster.client.post(at.services, service('addressed'))
    expect(body.spec).toMatchObject({
      type: 'ClusterIP',
      clusterIP: expect.stringMatching(/^10\./),
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    })
    const headless = await cluster.client.post(at.services, service('headless', { clusterIP: 'None' }))
    expect(headless.body.spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] })
  })

  it('lets a Job select its pods by its uid', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } }
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template } }
    const { body } = await cluster.client.post(at.jobs, job)
    expect(body.spec).toMatchObject({
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      completionMode: 'NonIndexed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': body.metadata.uid } },
    })
  })
})

describe('replace', () => {
  it('changes an object once, and nothing when nothing changes', async () => {
    const { body: made } = await cluster.client.post(at.configmaps, configMap('replaced', { a: '1' }))
    const path = `${at.configmaps}/replaced`
    const { body: changed } = await cluster.client.put(path, { ...made, data: { a: '2' } })
    expect(changed.metadata.uid).toBe(made.metadata.uid)
    expect(Number(changed.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion))
    const { body: same } = await cluster.client.put(path, changed)
    expect(same.metadata.resourceVersion).toBe(changed.metadata.resourceVersion)
    expect(await cluster.client.put(path, { ...made, data: { a: '3' } })).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "replaced": the object has been modified; please apply your ' +
          'changes to the latest version and try again',
      },
    })
  })

  it('needs the name of the path and an object that exists', async () => {
    await cluster.client.post(at.configmaps, configMap('named'))
    const other = await cluster.client.put(`${at.configmaps}/named`, configMap('another'))
    expect(other.body.message).toBe('the name of the object (another) does not match the name on the URL (named)')
    const none = await cluster.client.put(`${at.configmaps}/none`, configMap('none'))
    expect(none).toMatchObject({ status: 404, body: { message: 'configmaps "none" not found' } })
  })

  it('keeps the status apart from the specification', async () => {
    const { body: made } = await cluster.client.post(at.jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'apart' },
      spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } },
    })
    const path = `${at.jobs}/apart`
    const spec = { ...made.spec, backoffLimit: 2 }
    const { body: written } = await cluster.client.patch(`${path}/status`, 'merge', { spec, status: { failed: 1 } })
    expect(written.spec?.backoffLimit).toBe(6)
    const { body: read } = await cluster.client.patch(path, 'merge', {
      status: { failed: 7 },
      spec: { backoffLimit: 3 },
    })
    expect(read.spec?.backoffLimit).toBe(3)
    expect((read.status as { failed?: number }).failed).not.toBe(7)
  })

  it('refuses to change what may not change', async () => {
    await cluster.client.post(at.deployments, deployment('fixed'))
    const spec = { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } }
    const { status, body } = await cluster.client.patch(`${at.deployments}/fixed`, 'merge', { spec })
    expect(status).toBe(422)
    expect(body.message).toContain('field is immutable')
    const frozen = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'frozen' }, immutable: true }
    await cluster.client.post(at.secrets, frozen)
    const changed = await cluster.client.patch(`${at.secrets}/frozen`, 'merge', { data: { a: 'YQ==' } })
    expect(changed.body.message).toContain('field is immutable when `immutable` is set')
  })
})

describe('scale', () => {
  it('changes the replicas and counts a generation', async () => {
    await cluster.client.post(at.deployments, deployment('scaled', { paused: true }))
    const path = `${at.deployments}/scaled/scale`
    const { body } = await cluster.client.get(path)
    expect(body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 } })
    const patched = await cluster.client.patch(path, 'merge', { spec: { replicas: 3 } })
    expect(patched).toMatchObject({ status: 200, body: { spec: { replicas: 3 } } })
    const after = await cluster.client.get(`${at.deployments}/scaled`)
    expect(after.body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 } })
  })
})
