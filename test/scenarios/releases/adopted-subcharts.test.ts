import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { ReleaseHandle } from '../support/releases.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

// Helm's record holds no subcharts: what was made by hand of a chart that has some cannot be made again from there.

let world: World
const folder = join(tmpdir(), `flotilla-subcharts-${process.pid}`)
beforeAll(async () => {
  world = await openWorld()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await world.close()
})

const dependency = { name: 'sub', version: '1.0.0' }
const configMap = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `{{ .Release.Name }}-${name}` } })
const files = {
  'Chart.yaml': JSON.stringify({
    ...{ apiVersion: 'v2', name: 'unpublished', version: '1.0.0' },
    dependencies: [{ ...dependency, condition: 'sub.enabled', repository: '' }],
  }),
  'Chart.lock': JSON.stringify({ dependencies: [{ ...dependency, repository: '' }], digest: 'sha256:1' }),
  'values.yaml': 'sub: {enabled: true}\n',
  'templates/map.yaml': configMap('own'),
  'charts/sub/Chart.yaml': JSON.stringify({ apiVersion: 'v2', ...dependency }),
  'charts/sub/templates/map.yaml': configMap('sub'),
}

async function adopted(place: Place, ...set: readonly string[]): Promise<ReleaseHandle> {
  await place.installed()
  await world.hand.helm('install', 'mine', folder, '--namespace', place.namespace, ...set)
  const find = async () => (await place.list()).find(({ releaseName }) => releaseName === 'mine')
  return place.handleOf((await eventually('adopted', find, { withinMs: 20_000 })).id)
}

test.concurrent.each<[string, readonly string[], object]>([
  ['are enabled', [], { any: 'thing' }],
  ['are disabled', ['--set', 'sub.enabled=false'], { sub: { enabled: true } }],
])(
  'an adopted release whose subcharts %s is not upgraded from its record, and told what helps',
  async (_, set, values) => {
    const place = world.place()
    const release = await adopted(place, ...set)
    const refused = problem(await release.upgrade({ valuesOverride: values }), 404, 'chart_not_found')
    expect(refused.detail).toMatch(/Helm's record of the release holds none of the chart's subcharts/)
    expect(refused.detail).toMatch(/give a chartVersion that a source has, or publish this one/)
    expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  },
)
