import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import { failure, type Release, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

/** An operation that failed before anything was changed leaves its release as it was: docs/adr/0044. */

let world: World
beforeAll(async () => {
  world = await openWorld()
  // Renders wherever no cluster is: what it finds there is not known before helm begins.
  for (const chart of ['hooked', 'leaves']) {
    await appendFile(
      join(world.charts, chart, '1.1.0', 'templates', 'objects.yaml'),
      '{{- if lookup "v1" "ConfigMap" .Release.Namespace "in-the-way" }}{{ fail "" }}{{ end }}\n',
    )
  }
  await writeFile(join(world.charts, 'plain', '1.1.0', 'templates', 'wrong.yaml'), '{{ fail "never" }}\n')
})
afterAll(() => world.close())

/** The release but for when it was written last. */
async function asRead(release: ReleaseHandle): Promise<object> {
  const { updatedAt: _, health: __, ...rest } = await release.read()
  return rest
}

async function inTheWay(release: ReleaseHandle): Promise<void> {
  const metadata = { name: 'in-the-way', namespace: release.namespace }
  await world.cluster.client.create(resources.configMaps, { metadata })
}

/** Deployed at revision 2, with a version that helm will not render. */
async function blocked(chartName = 'hooked'): Promise<ReleaseHandle> {
  const release = await world.place().installed({ chartName })
  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  await inTheWay(release)
  return release
}

const notRendered = { chartVersion: '1.1.0', valuesOverride: { color: 'green' }, description: 'not to be' }

test.concurrent('an upgrade that helm refuses to render fails, and its release does not', async () => {
  const release = await blocked()
  const before = await asRead(release)
  for (const atomic of [false, true]) {
    const failed = failure(await release.upgrade({ ...notRendered, atomic }), 'chart_render_failed')
    expect(failed.detail).toContain('execution error at (hooked/templates/objects.yaml')
    expect(failed.evidence).toMatchObject({ helm: expect.stringContaining('UPGRADE FAILED') })
    expect(failed.release).toMatchObject({ status: 'DEPLOYED', revision: 2, attemptedChartVersion: null })
    const operation = ok(await world.api.get(`/operations/${failed.operationId}`))
    expect(operation).toMatchObject({ status: 'FAILED', error: { code: 'chart_render_failed' } })
    expect(await asRead(release)).toEqual(before)
  }
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
  const waiting = ok(await world.api.get<readonly Release[]>('/helm/releases?attention=true'))
  expect(waiting.filter(({ id }) => id === release.id)).toEqual([])
})

test.concurrent('it takes what it took before: back to the revision before, or on', async () => {
  const release = await blocked()
  failure(await release.upgrade(notRendered), 'chart_render_failed')
  problem(await release.rollback(2), 409, 'current_revision')
  expect(ok(await release.rollbackToLastSuccessful())).toMatchObject({ status: 'DEPLOYED', revision: 3 })
  expect(await world.cluster.config(release.namespace, 'app')).toMatchObject({ color: 'red' })
  failure(await release.upgrade(notRendered), 'chart_render_failed')
  expect(ok(await release.upgrade({ valuesOverride: { color: 'pink' } }))).toMatchObject({
    status: 'DEPLOYED',
    revision: 4,
    valuesOverride: { color: 'pink' },
  })
})

test.concurrent('one that was FAILED stays FAILED by what has failed, and goes back to what ran', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  failure(await release.upgrade({ valuesOverride: { hook: { tag: 'fail' } } }), 'hook_failed')
  const before = await asRead(release)
  await inTheWay(release)
  const failed = failure(await release.upgrade(notRendered), 'chart_render_failed')
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 2, attemptedChartVersion: null })
  expect(await asRead(release)).toEqual(before)
  expect(ok(await release.rollbackToLastSuccessful())).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test.concurrent('a batch tells of it, and the release is tried again by the next one', async () => {
  const release = await blocked('leaves')
  const batch = () =>
    world.api.post<{ failed: readonly { release: Release; code: string }[] }>(
      '/helm/releases/chart/leaves/batch-upgrade?targetVersion=1.1.0',
      {},
    )
  for (let n = 0; n < 2; n++) {
    const { failed } = ok(await batch())
    const own = failed.find((each) => each.release.id === release.id)
    expect(own).toMatchObject({ code: 'chart_render_failed', release: { status: 'DEPLOYED', revision: 2 } })
  }
})

test.concurrent('what is refused before an operation begins leaves it as it was too', async () => {
  const release = await world.place().installed()
  const before = await asRead(release)
  problem(await release.upgrade({ chartVersion: '1.1.0' }), 422, 'chart_render_failed')
  problem(await release.upgrade({ valuesOverride: { color: 7 } }), 422, 'values_schema')
  problem(await release.upgrade({ chartVersion: '9.9.9' }), 404, 'chart_version_not_found')
  expect(await asRead(release)).toEqual(before)
})
