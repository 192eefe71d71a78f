import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packFiles } from '../../../src/charts/archive/tar-writer.ts'
import { type KubeObject, type Resource, resources } from '../../../src/infra/kubernetes/index.ts'
import { clusterRoles } from '../../../src/infra/kubernetes/tenant-access/roles.ts'
import { ok, problem } from '../support/api.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

// What a chart may be made of, each part through all that Flotilla does with a release: charts inside it, CRDs, hooks.

vi.setConfig({ testTimeout: 120_000 })

let world: World
beforeAll(async () => {
  world = await openWorld()
  for (const [name, files] of Object.entries(charts)) {
    const packed = packFiles(name, new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])))
    await writeFile(join(world.charts, `${name}-1.0.0.tgz`), packed)
  }
})
afterAll(() => world.close())

const chartYaml = (name: string, more: object = {}): string =>
  JSON.stringify({ apiVersion: 'v2', name, version: '1.0.0', ...more })

const configMap = (name: string, data: object, annotations: object = {}): string =>
  `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations }, data })}\n`

/** One for each place of the values that its chart may see. */
const store = {
  'values.yaml': 'size: small\n',
  'values.schema.json': '{"properties":{"size":{"type":"string"}}}',
  'templates/map.yaml': configMap('{{ .Release.Name }}-{{ .Chart.Name }}', {
    size: '{{ .Values.size }}',
    region: '{{ .Values.global.region }}',
  }),
}
const inside = (name: string, files: object) =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`charts/${name}/${path}`, text]))

const umbrella = {
  'Chart.yaml': chartYaml('umbrella', {
    dependencies: [
      { name: 'store', version: '1.x', alias: 'main', condition: 'main.enabled' },
      { name: 'store', version: '1.x', alias: 'replica', condition: 'replica.enabled' },
      { name: 'cache', version: '1.x', tags: ['fast'] },
    ],
  }),
  'values.yaml': 'global: {region: eu}\nmain: {enabled: true}\nreplica: {enabled: false}\ntags: {fast: false}\n',
  'templates/map.yaml': configMap('{{ .Release.Name }}', { own: 'yes' }),
  ...inside('store', { 'Chart.yaml': chartYaml('store'), ...store }),
  ...inside('cache', { 'Chart.yaml': chartYaml('cache'), ...store }),
}

const widgets: Resource = {
  group: 'example.test',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
}
const crds: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}
type Widget = KubeObject & { readonly spec: { readonly color: string } }
const widgetName = 'widgets.example.test'
const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: widgetName },
  spec: {
    group: widgets.group,
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true, schema }],
  },
}
const defining = {
  'Chart.yaml': chartYaml('defining'),
  'values.yaml': 'color: red\n',
  'crds/widget.yaml': JSON.stringify(crd),
  'templates/widget.yaml': JSON.stringify({
    apiVersion: 'example.test/v1',
    kind: 'Widget',
    metadata: { name: '{{ .Release.Name }}' },
    spec: { color: '{{ .Values.color }}' },
  }),
}
/** What the owner of a kind of object does so that tenants may have them (docs/security.md). */
const widgetsForTenants = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'widgets-for-tenants', labels: { 'flotilla.dev/aggregate-to-tenant-charts': 'true' } },
  rules: [
    {
      apiGroups: ['example.test'],
      resources: ['widgets'],
      verbs: ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'],
    },
  ],
}

const events = ['install', 'upgrade', 'rollback', 'delete'].flatMap((act) => [`pre-${act}`, `post-${act}`])
const hook = (name: string, event: string, more: object = {}): string =>
  configMap(`{{ .Release.Name }}-${name}`, { color: '{{ .Values.color }}' }, { 'helm.sh/hook': event, ...more })
const all = events.join(',')
const hooks = {
  'Chart.yaml': chartYaml('hooks'),
  'values.yaml': 'color: red\n',
  'templates/hooks.yaml': [
    ...events.map((event) => hook(event, event)),
    hook('test', 'test'),
    // Helm orders hooks of one weight by their names: these are to come in the other order.
    hook('a-last', 'pre-install', { 'helm.sh/hook-weight': '5' }),
    hook('b-then', 'pre-install'),
    hook('c-first', 'pre-install', { 'helm.sh/hook-weight': '-5' }),
    hook('gone', all, { 'helm.sh/hook-delete-policy': 'hook-succeeded' }),
    hook('made-anew', all, { 'helm.sh/hook-delete-policy': 'before-hook-creation' }),
  ].join(''),
  'templates/map.yaml': configMap('{{ .Release.Name }}', { color: '{{ .Values.color }}' }),
}
/** Nothing is quoted in its Chart.yaml, as many write it. */
const unquoted = {
  'Chart.yaml': 'apiVersion: v2\nname: unquoted\nversion: 1.0.0\nappVersion: 1.19\ndescription: 5\nkubeVersion:\n',
  'templates/map.yaml': configMap('{{ .Release.Name }}', { of: '{{ .Chart.AppVersion }}' }),
}

const charts = { umbrella, defining, hooks, unquoted }

const configMaps = async (namespace: string) => [...(await world.cluster.names(namespace, resources.configMaps))].sort()

test.concurrent('a number in the place of an appVersion is the text that helm makes of it', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'unquoted' })
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', appVersion: '1.19' })
  expect(await world.cluster.config(place.namespace, 'app')).toEqual({ of: '1.19' })
})

test.concurrent('charts inside are there by condition, by tag and by alias, in every act', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'umbrella', valuesOverride: { main: { size: 'large' } } })
  expect(await configMaps(place.namespace)).toEqual(['app', 'app-main'])
  expect(await world.cluster.config(place.namespace, 'app-main')).toEqual({ size: 'large', region: 'eu' })

  const more = { replica: { enabled: true }, tags: { fast: true }, global: { region: 'us' } }
  ok(await release.upgrade({ valuesOverride: more }))
  expect(await configMaps(place.namespace)).toEqual(['app', 'app-cache', 'app-main', 'app-replica'])
  expect(await world.cluster.config(place.namespace, 'app-main')).toEqual({ size: 'large', region: 'us' })
  expect(await world.cluster.config(place.namespace, 'app-replica')).toEqual({ size: 'small', region: 'us' })

  ok(await release.rollback(1))
  expect(await configMaps(place.namespace)).toEqual(['app', 'app-main'])
  expect((await release.read()).valuesOverride).toEqual({ main: { size: 'large' } })

  ok(await release.upgrade({ valuesOverride: { main: { enabled: false } } }))
  expect(await configMaps(place.namespace)).toEqual(['app'])
  expect(ok(await release.uninstall()).leftovers).toEqual([])
  expect(await configMaps(place.namespace)).toEqual([])
})

test.concurrent('values that do not fit the schema of a chart inside are named by their place, and change nothing', async () => {
  const place = world.place()
  const wrong = { main: { size: 7 } }
  const refused = problem(await place.install({ chartName: 'umbrella', valuesOverride: wrong }), 422, 'values_schema')
  expect(refused.errors?.map(({ pointer }) => pointer)).toEqual(['/valuesOverride/main/size'])

  const release = await place.installed({ chartName: 'umbrella' })
  const upgrade = problem(await release.upgrade({ valuesOverride: wrong }), 422, 'values_schema')
  const preview = problem(await release.preview({ valuesOverride: wrong }), 422, 'values_schema')
  for (const { errors } of [upgrade, preview]) {
    expect(errors?.map(({ pointer }) => pointer)).toEqual(['/valuesOverride/main/size'])
  }
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  expect(await world.cluster.config(place.namespace, 'app-main')).toEqual({ size: 'small', region: 'eu' })
})

test.concurrent('a CRD in crds/ needs a grant; it is there before the objects, and stays when the release goes', async () => {
  const place = world.place()
  const defined = async () => (await world.cluster.client.findMetadata(crds, { name: widgetName })) !== null
  const color = async (namespace: string) =>
    (await world.cluster.client.find<Widget>(widgets, { namespace, name: 'app' }))?.spec.color
  const refused = problem(await place.install({ chartName: 'defining' }), 422, 'outside_namespace')
  expect(refused.detail).toContain(`CustomResourceDefinition ${widgetName}`)
  expect(await defined()).toBe(false)

  await world.cluster.client.create(clusterRoles, widgetsForTenants)
  const wanted = { chartDigest: refused.chartDigest, kind: 'CustomResourceDefinition', name: widgetName }
  ok(await world.api.post('/grants', wanted), 201)
  const release = await place.installed({ chartName: 'defining' })
  expect(await defined()).toBe(true)
  expect(await color(place.namespace)).toBe('red')
  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  expect(await color(place.namespace)).toBe('blue')
  ok(await release.rollback(1))
  expect(await color(place.namespace)).toBe('red')
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
  expect(await color(place.namespace)).toBeUndefined()
  expect(await defined()).toBe(true)
  // A second release of the chart meets the CRD that is there.
  const again = await world.place().installed({ chartName: 'defining' })
  expect(await again.verdicts()).toEqual(['1 DEPLOYED'])
})

test.concurrent('hooks of every kind run in their act, by weight, and are removed as their policies say', async () => {
  const place = world.place()
  const seen = async () => (await configMaps(place.namespace)).map((name) => name.replace(/^app-?/, ''))
  const find = (name: string) =>
    world.cluster.client.findMetadata(resources.configMaps, { namespace: place.namespace, name: `app-${name}` })
  const always = ['', 'a-last', 'b-then', 'c-first', 'made-anew']

  const release = await place.installed({ chartName: 'hooks' })
  expect(await seen()).toEqual([...always, 'post-install', 'pre-install'].sort())
  const versions = await Promise.all(
    ['c-first', 'b-then', 'a-last'].map(async (name) => Number((await find(name))?.metadata.resourceVersion)),
  )
  expect(versions).toEqual(versions.toSorted((a, b) => a - b))
  const first = await find('made-anew')

  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  expect(await seen()).toEqual([...always, 'post-install', 'pre-install', 'post-upgrade', 'pre-upgrade'].sort())
  const second = await find('made-anew')
  expect(second?.metadata.uid).not.toBe(first?.metadata.uid)
  expect(await world.cluster.config(place.namespace, 'app-made-anew')).toEqual({ color: 'blue' })

  ok(await release.rollback(1))
  expect(await world.cluster.config(place.namespace, 'app-post-rollback')).toEqual({ color: 'red' })
  expect((await find('made-anew'))?.metadata.uid).not.toBe(second?.metadata.uid)

  ok(await release.uninstall())
  const left = await seen()
  expect(left).toEqual([...always.slice(1), ...events].sort())
})

test.concurrent.each(['pre-install', 'post-install'])(
  'a %s hook that fails is removed when its policy says so',
  async (events) => {
    const policy = { name: 'hook', events, tag: 'fail', deletePolicy: 'hook-failed' }
    const place = world.place()
    const failed = failure(
      await place.install({ chartName: 'hooked', valuesOverride: { hook: policy } }),
      'hook_failed',
    )
    expect(failed.release.status).toBe('FAILED')
    expect(await world.cluster.names(place.namespace, resources.jobs)).toEqual([])
    const kept = { hook: { ...policy, deletePolicy: 'hook-succeeded' } }
    const other = world.place()
    failure(await other.install({ chartName: 'hooked', valuesOverride: kept }), 'hook_failed')
    expect(await world.cluster.names(other.namespace, resources.jobs)).toEqual(['app-hook'])
  },
)
