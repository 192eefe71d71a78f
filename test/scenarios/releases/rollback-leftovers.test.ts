import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

/** Rollbacks to a revision with an object that the newest one lacks, but that still lives in the cluster. */

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const withPart = { chartName: 'hooked', valuesOverride: { color: 'red', parts: ['old'] } }
const failing = { events: 'pre-upgrade', tag: 'fail' }
/** Drops one object and would make another, and fails before either. */
const dropping = { valuesOverride: { color: 'blue', parts: ['new'], hook: failing } }

const part = (release: ReleaseHandle, name: string) =>
  world.cluster.config(release.namespace, `${release.name}-${name}`)

async function expectBack(release: ReleaseHandle): Promise<void> {
  expect(await world.cluster.config(release.namespace, release.name)).toMatchObject({ color: 'red' })
  expect(await part(release, 'old')).toEqual({ color: 'red' })
  expect(await part(release, 'new')).toBeNull()
  expect((await world.cluster.newest(release.namespace, release.name)).info.status).toBe('deployed')
}

test.concurrent('an atomic upgrade that fails before it drops an object is rolled back', async () => {
  const release = await world.place().installed(withPart)
  const failed = failure(await release.upgrade({ ...dropping, atomic: true }), 'rolled_back')
  expect(failed.release).toMatchObject({ status: 'DEPLOYED', revision: 4, valuesOverride: withPart.valuesOverride })
  expect(await release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 FAILED', '1 DEPLOYED'])
  await expectBack(release)
})

test.concurrent('a rollback over it ends DEPLOYED', async () => {
  const release = await world.place().installed(withPart)
  failure(await release.upgrade(dropping), 'hook_failed')
  expect(ok(await release.rollback(1))).toMatchObject({ status: 'DEPLOYED', revision: 4 })
  expect(await release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 FAILED', '1 DEPLOYED'])
  const [, first] = await release.history()
  expect(first?.description).toBe('failed: revision 2 lacks an object that is there; repeated')
  const repeated = (await release.events()).filter(({ type }) => type === 'release.rollback.repeating')
  expect(repeated.map(({ data }) => data)).toMatchObject([{ revision: 3, code: 'object_unrecorded' }])
  await expectBack(release)
})

test.concurrent('so does one to the last successful revision, over an object that was kept by policy', async () => {
  const valuesOverride = { color: 'red', parts: ['old'], partsPolicy: 'keep' }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride })
  ok(await release.upgrade({ valuesOverride: { color: 'blue', parts: ['new'], partsPolicy: 'delete' } }))
  expect(await part(release, 'old')).toEqual({ color: 'red' })
  expect(await part(release, 'new')).toEqual({ color: 'blue' })
  expect(ok(await release.rollbackToLastSuccessful())).toMatchObject({ status: 'DEPLOYED', revision: 4 })
  await expectBack(release)
})
