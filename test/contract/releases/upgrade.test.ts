import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import { previewUpgrade, requireDiff } from '../../../src/releases/commands/preview.ts'
import { type UpgradeBody, upgrade } from '../../../src/releases/commands/upgrade.ts'
import { eventually } from '../../support/cluster.ts'
import { openReleases, type ReleasesWorld } from './world.ts'

let world: ReleasesWorld
beforeAll(async () => {
  world = await openReleases()
})
afterAll(() => world.close())

const untilRevision = (id: Uuid, revision: number) =>
  eventually(
    () => world.read(id),
    (release) => release.revision === revision && release.currentOperationId === null,
  )

test('what was approved is what is accepted, also when the release moves while it is being accepted', async () => {
  const { deps, call } = world
  const { id } = await world.installed()
  await untilRevision(id, 1)
  const body: UpgradeBody = { valuesOverride: { replicaCount: 1 } }
  const { hash } = await previewUpgrade(deps, call, id, body)
  const checked: string[] = []
  const given = upgrade(deps, call, id, body, async (prepared) => {
    await requireDiff(deps, prepared, body, hash)
    checked.push(`revision ${prepared.state.release.revision}`)
    await upgrade(deps, call, id, { valuesOverride: { image: { tag: '2' } } })
    await untilRevision(id, 2)
  })
  await expect(given).rejects.toMatchObject({ code: 'diff_changed' })
  expect(checked).toEqual(['revision 1'])
  expect(await world.read(id)).toMatchObject({ revision: 2, valuesOverride: { replicaCount: 2, image: { tag: '2' } } })
})
