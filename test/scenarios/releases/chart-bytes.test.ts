import { randomBytes } from 'node:crypto'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

/** The bytes of charts: those that change under a version, and those that no record of Helm can hold. */

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** A version of the chart `name`, made as `plain` is; `besides` are more of its files. */
async function writeChart(
  name: string,
  version: string,
  besides: Readonly<Record<string, string>> = {},
): Promise<void> {
  const place = join(world.charts, name, version)
  await mkdir(place, { recursive: true })
  await cp(join(world.charts, 'plain', '1.0.0'), place, { recursive: true })
  await writeFile(join(place, 'Chart.yaml'), stringify({ apiVersion: 'v2', name, version, appVersion: '1' }))
  for (const [file, text] of Object.entries(besides)) await writeFile(join(place, file), text)
}

test.concurrent('other bytes under a known version are 409 digest_changed, and what is deployed keeps its own', async () => {
  await writeChart('moving', '1.0.0')
  const release = await world.place().installed({ chartName: 'moving' })
  const moved = { 'values.yaml': 'color: moved\nsize: { width: 9, height: 9 }\nlist: []\npassword: ""\n' }
  await writeChart('moving', '1.0.0', moved)
  const other = world.place()
  // A version that was just looked up is not asked for again for some seconds; a dry run changes nothing.
  const dryRun = '/helm/releases/chart/moving/batch-upgrade?targetVersion=1.0.0&dryRun=true'
  await eventually('the source is asked again', async () => (await world.api.post(dryRun, {})).status === 409)
  const refused = problem(await other.install({ chartName: 'moving' }), 409, 'digest_changed')
  expect(refused.detail).toMatch(
    /^chart moving 1\.0\.0 had the digest \S+ and now has \S+: publish it under another version$/,
  )
  expect(refused).toMatchObject({ kept: expect.any(String), now: expect.any(String) })
  expect(await world.cluster.records(other.namespace, 'app')).toEqual([])
  // The same release goes on with the same bytes.
  ok(await release.upgrade({ valuesOverride: { list: ['x'] } }))
  const config = await world.cluster.config(release.namespace, 'app')
  expect(JSON.parse(config?.values ?? '')).toMatchObject({ color: 'red', list: ['x'] })
  await writeChart('moving', '1.0.1', moved)
  ok(await release.upgrade({ chartVersion: '1.0.1' }))
  expect(JSON.parse((await world.cluster.config(release.namespace, 'app'))?.values ?? '')).toMatchObject({
    color: 'moved',
  })
})

/** Text that no packing makes smaller than the limit of a Secret, in a comment that renders nothing. */
const heavy = () => ({ 'templates/heavy.yaml': `{{- /* ${randomBytes(1_500_000).toString('base64')} */ -}}\n` })

test.concurrent('an install whose record no Secret can hold ends FAILED with release_too_large, and frees its name', async () => {
  await writeChart('heavy', '1.0.0', heavy())
  const place = world.place()
  const failed = failure(await place.install({ chartName: 'heavy' }), 'release_too_large')
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 0 })
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
  const release = place.handle(failed.release)
  expect(await release.verdicts()).toEqual([])
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
  await place.installed()
})

test.concurrent('an upgrade to one fails, and leaves the release and what is deployed as they were', async () => {
  await writeChart('growing', '1.0.0')
  await writeChart('growing', '1.1.0', heavy())
  const release = await world.place().installed({ chartName: 'growing' })
  for (const atomic of [false, true]) {
    const failed = failure(await release.upgrade({ chartVersion: '1.1.0', atomic }), 'release_too_large')
    expect(failed.release).toMatchObject({ status: 'DEPLOYED', revision: 1, attemptedChartVersion: null })
    expect(failed.detail).toContain('Too long')
  }
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  expect((await world.cluster.newest(release.namespace, 'app')).info.status).toBe('deployed')
  expect(ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))).toMatchObject({
    status: 'DEPLOYED',
    revision: 2,
  })
})
