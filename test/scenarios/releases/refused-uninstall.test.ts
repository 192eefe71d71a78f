import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packFiles } from '../../../src/charts/archive/tar-writer.ts'
import { type Resource, resources } from '../../../src/infra/kubernetes/index.ts'
import { clusterRoles } from '../../../src/infra/kubernetes/tenant-access/roles.ts'
import { testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

// Helm keeps to itself why it could not delete an object: what is known beside it is told.

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const seconds = { withinMs: 20_000 }
const crds: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}
const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }

/** Makes the cluster know gadgets of a group. */
async function defineGadgets(group: string): Promise<void> {
  const name = `gadgets.${group}`
  const names = { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' }
  const versions = [{ name: 'v1', served: true, storage: true, schema }]
  const body = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name } }
  await world.cluster.client.create(crds, { ...body, spec: { group, names, scope: 'Namespaced', versions } })
  world.owns(crds, name)
  await eventually('the kind is served', () => world.cluster.client.text(`/apis/${group}/v1`))
}

async function forgetGadgets(group: string): Promise<void> {
  await world.cluster.client.delete(crds, { name: `gadgets.${group}` })
  await eventually('the kind is gone', () =>
    world.cluster.client.text(`/apis/${group}/v1`).then(
      (list) => !list.includes('gadgets'),
      () => true,
    ),
  )
}

/** What the owner of a kind of object does so that tenants may have them (docs/security.md). */
async function permitGadgets(group: string): Promise<void> {
  const name = `gadgets-of-${group}`
  const verbs = ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete']
  await world.cluster.client.create(clusterRoles, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name, labels: { 'flotilla.dev/aggregate-to-tenant-charts': 'true' } },
    rules: [{ apiGroups: [group], resources: ['gadgets'], verbs }],
  })
  world.owns(clusterRoles, name)
}

const map = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}' } })

/** A chart of a ConfigMap and one object more, among those that Flotilla knows. */
async function writeChart(name: string, more: object): Promise<string> {
  const files = {
    'Chart.yaml': JSON.stringify({ apiVersion: 'v2', name, version: '1.0.0' }),
    'templates/map.yaml': map,
    'templates/more.yaml': JSON.stringify(more),
  }
  const chart = join(world.charts, `${name}-1.0.0.tgz`)
  const entries = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const)
  await writeFile(chart, packFiles(name, new Map(entries)))
  return chart
}

/** A release that another hand has made of such a chart in a namespace of the tenant, and that Flotilla has adopted. */
async function adopted(place: Place, name: string, more: object): Promise<ReleaseHandle> {
  // It may fail: what it has left is adopted all the same.
  await world.hand.tryHelm('install', name, await writeChart(name, more), '--namespace', place.namespace)
  const find = async () => (await place.list()).find(({ releaseName }) => releaseName === name)
  return place.handleOf((await eventually('adopted', find, seconds)).id)
}

const gadget = (group: string) => ({ apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'a-gadget' } })

test('a kind that the cluster no longer knows is named, and what an admin can do; the release ends when they have', async () => {
  const place = world.place()
  // Before there are gadgets: the gateway keeps for seconds which kinds there are.
  await place.installed()
  await permitGadgets('forgotten.test')
  await defineGadgets('forgotten.test')
  const release = await adopted(place, 'forgotten', gadget('forgotten.test'))
  await forgetGadgets('forgotten.test')
  const failed = failure(await release.uninstall(), 'helm_failed')
  expect(failed.detail).toMatch(/the cluster does not know Gadget of forgotten\.test\/v1/)
  expect(failed.detail).toMatch(/define it again, then uninstall again/)
  expect(failed.release.status).toBe('FAILED')
  await defineGadgets('forgotten.test')
  // Once: after a while the gateway would ask again in any case.
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
})

test('what the cluster does not permit is named, with the words of the API server', async () => {
  await defineGadgets('refused.test')
  const place = world.place()
  await place.installed()
  const release = await adopted(place, 'refused', gadget('refused.test'))
  const failed = failure(await release.uninstall(), 'not_permitted')
  expect(failed.detail).toContain('failed to delete release: refused')
  expect(failed.detail).toMatch(
    /gadgets\.refused\.test "a-gadget" is forbidden: User "flotilla:tenant:\S+" cannot delete/,
  )
  const [refused, ...more] = (failed.evidence as { refused: readonly object[] }).refused
  expect(more).toEqual([])
  expect(refused).toMatchObject({
    method: 'DELETE',
    object: `gadgets.refused.test "a-gadget" in the namespace "${place.namespace}"`,
    status: 403,
    message: expect.stringContaining('cannot delete resource "gadgets"'),
  })
  expect(await world.cluster.config(place.namespace, 'refused')).toBeNull()
})

const nameless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } }

test('a chart with an object that has no name is refused before helm writes anything', async () => {
  const place = world.place()
  await writeChart('nameless', nameless)
  const refused = problem(await place.install({ chartName: 'nameless' }), 422, 'chart_invalid')
  expect(refused.detail).toMatch(/^ConfigMap in nameless\/templates\/more\.yaml has no metadata\.name/)
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
})

// 3.17 refuses it before it keeps a record.
test.skipIf(testedDialect === 'v3')(
  'a release by hand with such an object cannot be uninstalled: what to do by hand is told, and ends it',
  async () => {
    const place = world.place()
    await place.installed()
    const release = await adopted(place, 'made', nameless)
    const failed = failure(await release.uninstall(), 'helm_failed')
    expect(failed.detail).toContain(
      'helm cannot delete ConfigMap of made/templates/more.yaml, which has no metadata.name',
    )
    expect(failed.detail).toContain(`kubectl -n ${place.namespace} delete secret -l owner=helm,name=made`)
    const inside = { namespace: place.namespace }
    for (const name of await world.cluster.names(place.namespace, resources.configMaps)) {
      if (name.startsWith('made')) await world.cluster.client.delete(resources.configMaps, { ...inside, name })
    }
    for (const name of await world.cluster.names(place.namespace, resources.secrets)) {
      if (name.startsWith('sh.helm.release.v1.made.'))
        await world.cluster.client.delete(resources.secrets, { ...inside, name })
    }
    await release.untilStatus('UNINSTALLED')
  },
)
