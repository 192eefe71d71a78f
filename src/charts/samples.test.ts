import { expect, test } from 'vitest'
import { digestOf, readChart } from './archive/read.ts'
import { packSamples } from './samples.ts'

const folder = new URL('../../samples/charts', import.meta.url).pathname

test('three charts in five versions each', async () => {
  const charts = await Promise.all((await packSamples(folder)).map(({ archive }) => readChart(archive)))
  const versions = new Map(Map.groupBy(charts, ({ metadata }) => metadata.name))
  expect([...versions.keys()].sort()).toEqual(['matih-ai-service', 'matih-metadata-store', 'matih-query-engine'])
  for (const of of versions.values()) {
    expect(of.map(({ metadata }) => metadata.version)).toEqual(['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'])
    expect(new Set(of.map(({ metadata }) => metadata.appVersion)).size).toBe(5)
  }
})

test('each takes replicaCount, image.tag and resources, and has one password', async () => {
  for (const { archive } of await packSamples(folder)) {
    const { defaults, schema } = await readChart(archive)
    expect(defaults).toMatchObject({ replicaCount: expect.any(Number), image: { tag: '' }, resources: {} })
    expect(JSON.stringify(schema).match(/"format":"password"/g)).toHaveLength(1)
  }
})

test('packing them again gives the same bytes', async () => {
  const digests = async () => (await packSamples(folder)).map(({ archive }) => digestOf(archive))
  expect(await digests()).toEqual(await digests())
})
