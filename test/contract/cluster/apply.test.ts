import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Body } from './support/client.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, deployment, paths } from './support/objects.ts'
import { eventually } from './support/wait.ts'

let cluster: ClusterUnderTest
let at: ReturnType<typeof paths>
beforeAll(async () => {
  cluster = await startCluster()
  at = paths(await freshNamespace(cluster))
})
afterAll(() => cluster.stop())

const apply = (path: string, manager: string, body: unknown, more = '') =>
  cluster.client.patch(`${path}?fieldManager=${manager}${more}`, 'apply', body)

const managers = (body: Body): string[] =>
  (body.metadata.managedFields ?? []).map((each) => [each.manager, each.operation, each.subresource].join(' ').trim())

const fieldsOf = (body: Body, manager: string): unknown =>
  body.metadata.managedFields?.find((each) => each.manager === manager)?.fieldsV1

describe('server-side apply', () => {
  it('creates, and records what the manager owns', async () => {
    const { status, body } = await apply(
      `${at.configmaps}/own`,
      'a',
      configMap('own', { k: 'v' }, { labels: { l: 'm' } }),
    )
    expect(status).toBe(201)
    expect(managers(body)).toEqual(['a Apply'])
    expect(fieldsOf(body, 'a')).toEqual({ 'f:data': { 'f:k': {} }, 'f:metadata': { 'f:labels': { 'f:l': {} } } })
  })

  it('changes nothing when applied again', async () => {
    const { body: first } = await apply(`${at.configmaps}/again`, 'a', configMap('again', { k: 'v' }))
    const { status, body } = await apply(`${at.configmaps}/again`, 'a', configMap('again', { k: 'v' }))
    expect(status).toBe(200)
    expect(body.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })

  it('takes away what the manager no longer wants, and leaves what others own', async () => {
    const path = `${at.configmaps}/shared`
    await apply(path, 'a', configMap('shared', { mine: '1', ours: '2' }))
    await apply(path, 'b', configMap('shared', { ours: '2', theirs: '3' }))
    const { body } = await apply(path, 'a', configMap('shared', {}))
    expect(body.data).toEqual({ ours: '2', theirs: '3' })
  })

  it('writes stringData into data, owns it by the name that it was given, and meets no conflict there', async () => {
    const path = `${at.secrets}/texts`
    const secret = (fields: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'texts' }, ...fields })
    const { body: first } = await apply(path, 'a', secret({ stringData: { k: 'one' } }))
    expect([first.data, fieldsOf(first, 'a')]).toEqual([{ k: 'b25l' }, { 'f:stringData': { 'f:k': {} } }])
    const byHand = await cluster.client.patch(`${path}?fieldManager=b`, 'merge', { stringData: { k: 'hand' } })
    expect(fieldsOf(byHand.body, 'b')).toEqual({ 'f:data': { 'f:k': {} } })
    const { status, body } = await apply(path, 'a', secret({ stringData: { k: 'two' } }))
    expect([status, body.data]).toEqual([200, { k: 'dHdv' }])
    expect(fieldsOf(body, 'b')).toEqual({ 'f:data': { 'f:k': {} } })
    expect((await apply(path, 'a', secret({ data: { k: 'b25l' } }))).status).toBe(409)
    const { body: left } = await apply(path, 'a', secret({}))
    expect([left.data, managers(left)]).toEqual([{ k: 'dHdv' }, ['b Update']])
  })

  it('takes away labels that were all that it had in metadata, and leaves the name', async () => {
    const path = `${at.configmaps}/bare`
    const { body: first } = await apply(path, 'a', configMap('bare', { k: '1' }, { labels: { l: 'm' } }))
    const dry = await apply(path, 'a', configMap('bare', { k: '2' }), '&dryRun=All')
    expect(dry.status).toBe(200)
    const { status, body } = await apply(path, 'a', configMap('bare', { k: '1' }))
    expect(status).toBe(200)
    expect(body.metadata).toMatchObject({ name: 'bare', uid: first.metadata.uid })
    expect(body.metadata).not.toHaveProperty('labels')
    expect(fieldsOf(body, 'a')).toEqual({ 'f:data': { 'f:k': {} } })
  })

  it('refuses to change what another manager owns also where the labels are no longer applied', async () => {
    const path = `${at.configmaps}/bare-fought`
    await apply(path, 'a', configMap('bare-fought', { k: '1' }, { labels: { l: 'm' } }))
    await cluster.client.patch(`${path}?fieldManager=hand`, 'merge', { data: { k: '2' } })
    const { status, body } = await apply(path, 'a', configMap('bare-fought', { k: '3' }), '&dryRun=All')
    expect([status, body.details?.causes]).toEqual([409, [expect.objectContaining({ field: '.data.k' })]])
  })

  it('refuses to change what another manager applied, unless forced', async () => {
    const path = `${at.configmaps}/fought`
    await apply(path, 'a', configMap('fought', { k: '1', other: 'x' }))
    const { status, body } = await apply(path, 'b', configMap('fought', { k: '2' }))
    expect(status).toBe(409)
    expect(body).toMatchObject({
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "a": .data.k',
    })
    expect(body.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.k' },
    ])
    const forced = await apply(path, 'b', configMap('fought', { k: '2' }), '&force=true')
    expect(forced.body.data).toEqual({ k: '2', other: 'x' })
    expect(fieldsOf(forced.body, 'a')).toEqual({ 'f:data': { 'f:other': {} } })
    expect(fieldsOf(forced.body, 'b')).toEqual({ 'f:data': { 'f:k': {} } })
  })

  it('shares a field when both want the same value', async () => {
    const path = `${at.configmaps}/agreed`
    await apply(path, 'a', configMap('agreed', { k: '1' }))
    const { status, body } = await apply(path, 'b', configMap('agreed', { k: '1' }))
    expect(status).toBe(200)
    expect(managers(body).sort()).toEqual(['a Apply', 'b Apply'])
  })

  it('names every field and the version of an updater in a conflict', async () => {
    const path = `${at.configmaps}/updated`
    await apply(path, 'a', configMap('updated', { k: '1', l: '1' }))
    const changed = await cluster.client.patch(`${path}?fieldManager=hand`, 'merge', { data: { k: '2', l: '2' } })
    expect(managers(changed.body)).toEqual(['hand Update'])
    const { body } = await apply(path, 'a', configMap('updated', { k: '3', l: '3' }))
    expect(body.message).toBe('Apply failed with 2 conflicts: conflicts with "hand" using v1:\n- .data.k\n- .data.l')
  })

  it('finds a conflict with a scaled Deployment', async () => {
    const path = `${at.deployments}/scaled`
    await apply(path, 'helm', deployment('scaled', { replicas: 1, paused: true }))
    await cluster.client.patch(`${path}/scale?fieldManager=kubectl`, 'merge', { spec: { replicas: 5 } })
    const { status, body } = await apply(path, 'helm', deployment('scaled', { replicas: 2, paused: true }))
    expect(status).toBe(409)
    expect(body.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    )
    const image = deployment('scaled', { paused: true }, { image: 'nginx:2' })
    const left = await apply(path, 'helm', image)
    expect(left).toMatchObject({ status: 200, body: { spec: { replicas: 5 } } })
  })

  it('lets a manager withdraw its own entry of managedFields', async () => {
    const path = `${at.deployments}/withdrawn`
    await apply(path, 'helm', deployment('withdrawn', { minReadySeconds: 1, paused: true }))
    const gate = { spec: { minReadySeconds: 100 } }
    await cluster.client.patch(`${path}?fieldManager=flotilla`, 'merge', gate)
    // A controller that notes the status meanwhile has an entry of its own, which moves the others.
    const { body } = await eventually(async () => {
      const { metadata } = (await cluster.client.get(path)).body
      const index = metadata.managedFields?.findIndex((each) => each.manager === 'flotilla') ?? -1
      const answer = await cluster.client.patch(`${path}?fieldManager=flotilla`, 'json', [
        { op: 'test', path: `/metadata/managedFields/${index}/manager`, value: 'flotilla' },
        { op: 'remove', path: `/metadata/managedFields/${index}` },
      ])
      expect([answer.status, answer.body.message]).toEqual([200, undefined])
      return answer
    })
    expect(managers(body).filter((each) => !each.endsWith(' status'))).toEqual(['helm Apply'])
    const after = await apply(path, 'helm', deployment('withdrawn', { minReadySeconds: 2, paused: true }))
    expect(after).toMatchObject({ status: 200, body: { spec: { minReadySeconds: 2 } } })
  })

  it('merges containers by name and ports by number and protocol', async () => {
    const path = `${at.deployments}/keyed`
    await apply(path, 'a', deployment('keyed', { paused: true }, { ports: [{ containerPort: 80 }] }))
    const side = {
      metadata: { name: 'keyed' },
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { template: { spec: { containers: [{ name: 'side', image: 'busybox:1' }] } } },
    }
    const { body } = await apply(path, 'b', side)
    const names = (each: Body) =>
      (each.spec as { template: { spec: { containers: { name: string }[] } } }).template.spec.containers.map(
        ({ name }) => name,
      )
    expect(names(body).sort()).toEqual(['side', 'web'])
    expect(fieldsOf(body, 'a')).toMatchObject({
      'f:spec': {
        'f:template': {
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    })
    const { spec: _, ...bare } = side
    const removed = await apply(path, 'b', bare)
    expect(names(removed.body)).toEqual(['web'])
  })

  it('removes a container with the defaults in it', async () => {
    const path = `${at.deployments}/dropped`
    const two = deployment('dropped', { paused: true })
    two.spec.template.spec.containers.push({ name: 'side', image: 'busybox:1' })
    await apply(path, 'a', two)
    const { status, body } = await apply(path, 'a', deployment('dropped', { paused: true }))
    expect(status).toBe(200)
    expect((body.spec as typeof two.spec).template.spec.containers.map((each) => each.name)).toEqual(['web'])
  })

  it('returns a field that nobody wants any more to its default', async () => {
    const path = `${at.deployments}/returned`
    await apply(path, 'a', deployment('returned', { replicas: 4, revisionHistoryLimit: 3, paused: true }))
    const { body } = await apply(path, 'a', deployment('returned', { paused: true }))
    expect(body.spec).toMatchObject({ replicas: 1, revisionHistoryLimit: 10 })
  })

  it('accepts YAML and rehearses with dryRun', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n'
    const { status, body } = await apply(`${at.configmaps}/yaml`, 'a', yaml, '&dryRun=All')
    expect([status, body.data]).toEqual([201, { a: '1' }])
    expect((await cluster.client.get(`${at.configmaps}/yaml`)).status).toBe(404)
  })

  it('refuses unknown fields, a missing manager and managedFields in the body', async () => {
    const path = `${at.configmaps}/refused`
    const odd = await apply(path, 'a', { ...configMap('refused'), odd: 1 }, '&fieldValidation=Strict')
    expect(odd.status).toBe(500)
    expect(odd.body.message).toBe(
      'failed to create typed patch object (/refused; /v1, Kind=ConfigMap): .odd: field not declared in schema',
    )
    const nobody = await cluster.client.patch(path, 'apply', configMap('refused'))
    expect(nobody.body.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )
    const managed = await apply(path, 'a', configMap('refused', {}, { managedFields: [] }))
    expect(managed.status).toBeGreaterThanOrEqual(200)
  })
})

describe('managers of ordinary writes', () => {
  it('own what they create and what they change', async () => {
    const { body: made } = await cluster.client.post(
      `${at.configmaps}?fieldManager=first`,
      configMap('owned', { a: '1' }),
    )
    expect(fieldsOf(made, 'first')).toEqual({ 'f:data': { '.': {}, 'f:a': {} } })
    const { body } = await cluster.client.patch(`${at.configmaps}/owned`, 'merge', { data: { a: '2' } })
    expect(managers(body)).toContain('contract-suite Update')
    expect(fieldsOf(body, 'contract-suite')).toEqual({ 'f:data': { 'f:a': {} } })
    expect(fieldsOf(body, 'first')).toEqual({ 'f:data': {} })
  })

  it('own a status apart', async () => {
    await cluster.client.post(at.deployments, deployment('status-owner', { paused: true }))
    const path = `${at.deployments}/status-owner/status?fieldManager=observer`
    const { body } = await cluster.client.patch(path, 'merge', {
      status: { conditions: [{ type: 'Odd', status: 'True' }] },
    })
    expect(managers(body)).toContain('observer Update status')
  })
})
