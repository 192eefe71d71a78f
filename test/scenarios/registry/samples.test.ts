import { afterAll, beforeAll, expect, test } from 'vitest'
import { installSampleRegistry } from '../../../src/samples/install-registry.ts'
import { sampleComponents, samplePaths, sampleVersions } from '../../../src/samples/registry.ts'
import { openWorld, type World } from '../support/world.ts'

type Made = { readonly id: string; readonly name: string; readonly version: string; readonly [field: string]: unknown }
type Verdict = { readonly valid: boolean; readonly blockers: unknown; readonly warnings: readonly { code: string }[] }

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.close())

const list = async (path: string) => (await world.api.get<readonly Made[]>(`/registry${path}`)).body

test('the samples are registered once, and one step leads from each version to the newest', async () => {
  const { flotilla } = world
  const api = { url: flotilla.url, key: flotilla.adminKey, signal: AbortSignal.timeout(60_000) }
  const said: string[] = []
  expect(await installSampleRegistry(api, (line) => said.push(line))).toBe(true)
  expect(said).toHaveLength(sampleComponents.length)
  expect(await installSampleRegistry(api, (line) => said.push(line))).toBe(true)
  const again = () => installSampleRegistry(api, (line) => said.push(line), { complete: true })
  expect(await again()).toBe(true)
  const components = await list('/components?sort=createdAt')
  expect(components).toMatchObject(sampleComponents)
  expect(await list('/upgrade-paths')).toHaveLength(components.length * samplePaths.length)
  for (const { id } of components) {
    const versions = await list(`/components/${id}/versions?sort=version`)
    expect(versions.map(({ version }) => version)).toEqual(sampleVersions)
    expect(versions.filter(({ recommended }) => recommended).map(({ version }) => version)).toEqual(['1.3.0'])
    const newest = versions.at(-1)?.id
    for (const from of versions.slice(0, -1)) {
      const body = { componentId: id, fromVersionId: from.id, toVersionId: newest }
      const installedComponents = { 'query-engine': '1.1.0' }
      const { body: verdict } = await world.api.post<Verdict>('/registry/upgrade-paths/validate', {
        ...body,
        installedComponents,
      })
      expect([verdict.blockers, verdict.warnings.map(({ code }) => code)]).toEqual([[], ['UNTESTED_PATH']])
    }
  }
})
