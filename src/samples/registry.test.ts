import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compare } from 'semver'
import { expect, test } from 'vitest'
import { packSamples } from '../charts/samples.ts'
import { sampleReleases } from './fleet.ts'
import { sampleComponents, samplePaths, sampleVersions } from './registry.ts'

const charts = fileURLToPath(new URL('../../samples/charts', import.meta.url))

test('every version of every component is a sample chart, and there are no others', async () => {
  const registered = sampleComponents.flatMap(({ chartName }) =>
    sampleVersions.map((version) => `${chartName}-${version}.tgz`),
  )
  expect(registered.sort()).toEqual((await packSamples(charts)).map(({ file }) => file).sort())
})

test.each(sampleComponents)('the containers of $chartName answer where the component says', async (component) => {
  const folder = join(charts, component.chartName, 'templates')
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
  const probed = texts.filter((text) => text.includes('readinessProbe'))
  expect(probed).toHaveLength(1)
  expect(probed[0]).toContain(`containerPort: ${component.healthEndpoint.port} }`)
  expect(probed[0]).toContain(`httpGet: { path: ${component.healthEndpoint.path}, port: http }`)
})

test('paths go up, once each, and one step leads every sample release to 1.4.0', () => {
  expect(new Set(samplePaths.map(String)).size).toBe(samplePaths.length)
  for (const [from, to] of samplePaths) expect(compare(from, to)).toBeLessThan(0)
  const oneStep = (from: string, to: string) => samplePaths.some((path) => path[0] === from && path[1] === to)
  for (const { chartVersion } of sampleReleases) expect(oneStep(chartVersion, '1.4.0')).toBe(true)
})
