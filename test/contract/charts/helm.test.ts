import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digestOf, readChart } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { helmRender } from '../../../src/charts/render.ts'
import { packSamples, writeSamples } from '../../../src/charts/samples.ts'
import { toResolved } from '../../../src/charts/store.ts'
import type { Render } from '../../../src/charts/types.ts'
import { type Validate, validator } from '../../../src/charts/validate.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { Problem } from '../../../src/core/problems.ts'
import {
  closeWorkspace,
  Gateway,
  type HelmBinary,
  HelmProcess,
  openWorkspace,
  type Workspace,
} from '../../../src/infra/helm/index.ts'
import { testedHelm } from '../../support/tested-helm.ts'

/** What charts and helm agree on, with the real helm. */
const samples = new URL('../../../samples/charts', import.meta.url).pathname
const clock = { now: () => Date.now(), sleep: () => Promise.resolve() }
let folder: string
let binary: HelmBinary
let workspace: Workspace
let gateway: Gateway
let render: Render
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-charts-helm-'))
  binary = await testedHelm()
  workspace = await openWorkspace(join(folder, 'work'))
  gateway = await Gateway.open({ clock })
  render = helmRender(new HelmProcess({ binary, gateway, workspace, clock }), 'v1.35.0')
})
afterAll(async () => {
  await gateway.close()
  await closeWorkspace(workspace)
  await rm(folder, { recursive: true })
})

describe('the sample charts', () => {
  test('are fine with helm lint, each version', async () => {
    await writeSamples(samples, join(folder, 'samples'))
    for (const { file } of await packSamples(samples)) {
      const { stdout } = await promisify(execFile)(binary.path, ['lint', '--strict', join(folder, 'samples', file)], {
        env: {},
      })
      expect(stdout).toContain('0 chart(s) failed')
    }
  })

  test('render what SPEC section 7 says, and 1.4.0 with an image that is never ready', async () => {
    const kinds: Record<string, string> = {}
    for (const { file, archive } of await packSamples(samples)) {
      const objects = await rendered(archive, { replicaCount: 7, image: { tag: 'pinned' } })
      const workload = objects.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
      expect(workload?.spec).toMatchObject({ replicas: 7 })
      expect(JSON.stringify(workload)).toContain(file.includes('1.4.0') ? ':pinned-never-ready"' : ':pinned"')
      kinds[file] = objects
        .map(({ kind }) => String(kind))
        .sort()
        .join(' ')
    }
    expect(kinds['matih-query-engine-1.0.0.tgz']).toBe('Deployment Secret Service')
    expect(kinds['matih-ai-service-1.0.0.tgz']).toBe('Deployment Job Secret')
    expect(kinds['matih-metadata-store-1.4.0.tgz']).toBe('Secret Service StatefulSet')
  })

  test('values mean to Flotilla what they mean to helm', async () => {
    const words =
      '[yes, off, y, 010, 0o10, 0x10, 08, 1_000, 1:30, 1e3, .5, ~, !!binary aGVsbG8=, !!set {a: null}, !x y]'
    const dates = '[2024-01-02, 2024-01-02T03:04:05Z, !!timestamp 2024-01-02]'
    const archive = packedFixture('demo', '1.0.0', {
      'values.yaml': `words: ${words}\ndates: ${dates}\nbase: &base {a: 1}\nmerged: {<<: *base, b: 2}\n`,
      'templates/map.yaml': 'kind: ConfigMap\ndata: {values: {{ .Values | toJson | quote }}}\n',
    })
    const [map] = (await rendered(archive, {})) as { data?: { values?: string } }[]
    expect(JSON.parse(map?.data?.values ?? '')).toEqual((await readChart(archive)).defaults)
  })

  test('what Chart.yaml does not quote is the text that helm makes of it', async () => {
    const numbers =
      '1.19 1.10 1.0 2 010 0x1F 0o17 1_000 1e3 1e6 1000000 20240101 1234567.5 12345678.25 1.10e-7 0.0001 -0.0'
    const large = '123456789012345678901234 18446744073709551615 18446744073709551616 -9223372036854775809 1e39'
    const others = 'yes off true ~ 2024-01-01 1:30 "1.10" abc'
    for (const word of [...numbers.split(' '), ...large.split(' '), ...others.split(' ')]) {
      const archive = packedFixture('demo', '1.0.0', {
        'Chart.yaml': `apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: ${word}\n`,
        'templates/map.yaml': 'kind: ConfigMap\ndata: {text: {{ .Chart.AppVersion | quote }}}\n',
      })
      const [map] = (await rendered(archive, {})) as { data?: { text?: string } }[]
      const { appVersion } = (await readChart(archive)).metadata
      expect(`${word} is ${appVersion ?? ''}`).toBe(`${word} is ${map?.data?.text}`)
    }
  })

  test('only the one with a hook says so', async () => {
    const charts = await Promise.all((await packSamples(samples)).map(({ archive }) => readChart(archive)))
    const withHooks = charts.filter(({ hasHooks }) => hasHooks).map(({ metadata }) => metadata.name)
    expect(new Set(withHooks)).toEqual(new Set(['matih-ai-service']))
  })
})

async function rendered(archive: Buffer, values: JsonObject): Promise<readonly JsonObject[]> {
  const release = { name: 'acme', namespace: 'tenant-acme', tenantId: 'acme' }
  return (await render({ archive, release, values })).map(({ object }) => object)
}

describe('a chart is validated before helm touches the cluster', () => {
  const target = { name: 'acme', namespace: 'tenant-acme', tenantId: 'acme' }
  const crd =
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.test}\n'
  const hook =
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: planted\n  namespace: other\n  annotations: {helm.sh/hook: pre-install}\n'
  const role = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n'
  const upgradeOnly = `{{ if .Release.IsUpgrade }}\n${role}{{ end }}`
  let renders: number
  let grants: readonly string[]
  beforeEach(() => {
    renders = 0
    grants = []
  })

  async function check(files: Record<string, string>, values: JsonObject = {}, isUpgrade = false): Promise<void> {
    return (await validate(files))(values, isUpgrade)
  }
  async function validate(files: Record<string, string>) {
    const archive = packedFixture('demo', '1.0.0', files)
    const chart = toResolved(await readChart(archive))
    const all: Validate = validator({
      render: (...given) => {
        renders += 1
        return render(...given)
      },
      archive: () => Promise.resolve(archive),
      granted:
        async (digest) =>
        ({ kind, name }) =>
          digest === digestOf(archive) && grants.includes(`${kind} ${name}`),
      secrets: async () => ['canary'],
    })
    return (values: JsonObject, isUpgrade = false) => all(chart, { ...target, isUpgrade }, values)
  }

  test('a good one passes, and is rendered once for the same values', async () => {
    const run = await validate({})
    await run({ greeting: 'hi' })
    await run({ greeting: 'hi' })
    expect(renders).toBe(1)
    await run({ greeting: 'ho' })
    expect(renders).toBe(2)
  })

  const broken: readonly (readonly [string, string, Record<string, string>, string])[] = [
    ['a template that fails', 'chart_render_failed', { 'templates/x.yaml': '{{ fail "no" }}' }, ''],
    ['a template that is no template', 'chart_render_failed', { 'templates/x.yaml': '{{ if }}' }, ''],
    ['text that is no YAML', 'chart_render_failed', { 'templates/x.yaml': 'a: b: c' }, ''],
    [
      'values that do not fit',
      'values_schema',
      { 'values.schema.json': '{"properties":{"greeting":{"type":"integer"}}}' },
      '',
    ],
    [
      'another Kubernetes',
      'chart_invalid',
      { 'Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\nkubeVersion: ">=9.0"\n' },
      '',
    ],
    [
      'an object that the server is to name',
      'chart_invalid',
      { 'templates/x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}\n' },
      'ConfigMap in demo/templates/x.yaml has no metadata.name',
    ],
    ['a CRD in crds/', 'outside_namespace', { 'crds/x.yaml': crd }, 'CustomResourceDefinition things.example.test'],
    ['a hook in another namespace', 'outside_namespace', { 'templates/x.yaml': hook }, 'ConfigMap planted'],
    ['a cluster role', 'outside_namespace', { 'templates/x.yaml': role }, 'ClusterRole all'],
    [
      'a cluster role in a chart inside',
      'outside_namespace',
      {
        'charts/in/Chart.yaml': 'apiVersion: v2\nname: in\nversion: 1.0.0\n',
        'charts/in/templates/x.yaml': role,
      },
      'ClusterRole all',
    ],
  ]
  test.each(broken)('%s: %s', async (_, code, files, words) => {
    await expect(check(files)).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
  })

  test('values that do not fit are named by their place in the values of the release', async () => {
    const chart = (name: string, dependency: object) =>
      JSON.stringify({ apiVersion: 'v2', name, version: '1.0.0', dependencies: [{ version: '1.0.0', ...dependency }] })
    const files = {
      'Chart.yaml': chart('demo', { name: 'sub', alias: 'cache' }),
      'values.schema.json': JSON.stringify({
        required: ['name'],
        properties: { color: { type: 'string' }, list: { items: { properties: { 'x/y': { pattern: '^a' } } } } },
      }),
      'charts/sub/Chart.yaml': chart('sub', { name: 'deep' }),
      'charts/sub/values.schema.json': '{"properties":{"size":{"type":"integer"}}}',
      'charts/sub/charts/deep/Chart.yaml': 'apiVersion: v2\nname: deep\nversion: 1.0.0\n',
      'charts/sub/charts/deep/values.schema.json': '{"required":["key"]}',
    }
    const values = { color: 7, list: [{ 'x/y': 'canary' }], cache: { size: 'canary' } }
    const error = await check(files, values).catch((thrown: unknown) => thrown as Problem)
    if (!(error instanceof Problem)) throw new Error('it was accepted')
    expect(error.errors.map(({ pointer }) => pointer).sort()).toEqual([
      '/valuesOverride/cache/deep/key',
      '/valuesOverride/cache/size',
      '/valuesOverride/color',
      '/valuesOverride/list/0/x~1y',
      '/valuesOverride/name',
    ])
    expect(JSON.stringify([error.message, error.errors])).not.toContain('canary')
  })

  test('what is rendered only in an upgrade is seen for one', async () => {
    await check({ 'templates/x.yaml': upgradeOnly })
    await expect(check({ 'templates/x.yaml': upgradeOnly }, {}, true)).rejects.toMatchObject({
      code: 'outside_namespace',
    })
  })

  test('a grant is for one chart and object, and asked every time', async () => {
    const run = await validate({ 'templates/x.yaml': role })
    grants = ['ClusterRole all']
    await run({})
    grants = ['ClusterRole other']
    await expect(run({})).rejects.toMatchObject({ code: 'outside_namespace' })
    expect(renders).toBe(1)
  })

  test('no value that was given comes back in the words', async () => {
    const schema = {
      properties: { password: { type: 'string', format: 'password', pattern: '^[0-9]+$', maxLength: 3 } },
    }
    const error = await check({ 'values.schema.json': JSON.stringify(schema) }, { password: 'canary' }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'values_schema' })
    expect(String(error)).not.toContain('canary')
    const failing = { 'templates/x.yaml': '{{ fail (printf "bad %s" .Values.password) }}' }
    const other = await check(failing, { password: 'canary' }).catch((thrown: unknown) => thrown)
    expect(other).toMatchObject({ code: 'chart_render_failed' })
    expect(String(other)).not.toContain('canary')
  })
})
