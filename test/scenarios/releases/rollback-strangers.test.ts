import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok } from '../support/api.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

/** What a rollback may not take for its own, and what one that failed has left. */

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const maps = (...names: readonly string[]) => ({ chartName: 'passing', valuesOverride: { maps: names } })

/** Given a release that had an object, and has it no more. */
async function withoutShared(place: Place): Promise<ReleaseHandle> {
  const release = await place.installed(maps('own', 'shared'))
  ok(await release.upgrade({ valuesOverride: { maps: ['own'] } }))
  expect(await world.cluster.config(place.namespace, 'app-shared')).toBeNull()
  return release
}

const shared = (place: Place) =>
  world.cluster.client.get(resources.configMaps, { namespace: place.namespace, name: 'app-shared' })

test.concurrent.each<[string, object]>([
  ['of nobody', {}],
  [
    'of another release',
    {
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': 'other' },
    },
  ],
])('a rollback to a revision with an object that is there, %s, fails each time and takes nothing', async (_, more) => {
  const place = world.place()
  const release = await withoutShared(place)
  const metadata = { name: 'app-shared', namespace: place.namespace, ...more }
  const before = await world.cluster.client.create<KubeObject>(resources.configMaps, { metadata })
  for (const target of [1, 1]) {
    const failed = failure(await release.rollback(target), 'object_unrecorded')
    expect(failed.detail).toContain('app-shared')
    expect((await shared(place)).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
  }
  ok(await release.upgrade({ valuesOverride: { maps: ['own'] } }))
  expect((await shared(place)).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
})

test.concurrent('one that failed in a hook leaves nothing of the abandoned revision to the next', async () => {
  const place = world.place()
  const release = await place.installed(maps('own'))
  const hook = { name: 'hook', events: 'pre-rollback', tag: 'fail' }
  ok(await release.upgrade({ valuesOverride: { maps: ['own'], hook } }))
  ok(await release.upgrade({ valuesMode: 'replace', valuesOverride: { maps: ['own', 'added'] } }))
  failure(await release.rollback(2), 'hook_failed')
  expect(await world.cluster.config(place.namespace, 'app-added')).not.toBeNull()
  ok(await release.rollback(1))
  expect(await world.cluster.config(place.namespace, 'app-added')).toBeNull()
  expect(await world.cluster.config(place.namespace, 'app-own')).not.toBeNull()
})
