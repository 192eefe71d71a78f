import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import { readOperation } from '../../../src/releases/commands/operations.ts'
import { uninstall } from '../../../src/releases/commands/uninstall.ts'
import { upgrade } from '../../../src/releases/commands/upgrade.ts'
import { eventually } from '../../support/cluster.ts'
import { openReleases, type ReleasesWorld } from './world.ts'

/** What the database keeps of a revision is sealed: one that does not open must neither stop a release nor hide anything. */

let world: ReleasesWorld
beforeAll(async () => {
  world = await openReleases()
})
afterAll(() => world.close())

const settled = (id: Uuid, revision: number) =>
  eventually(
    () => world.read(id),
    (release) => release.revision === revision && release.currentOperationId === null,
  )

/** Two revisions, of which one cannot be opened any more. */
async function damaged(revision: number): Promise<Uuid> {
  const { id } = await world.installed()
  await settled(id, 1)
  await upgrade(world.deps, world.call, id, { valuesOverride: { replicaCount: 1 } })
  await settled(id, 2)
  await sql`update revisions set manifest_enc = '\\x00' where release_id = ${id} and revision = ${revision}`.execute(
    world.db,
  )
  return id
}

test('an earlier revision that cannot be opened is told among the leftovers', async () => {
  const id = await damaged(1)
  await uninstall(world.deps, world.call, id)
  const release = await settled(id, 2)
  const why = 'revision 1 cannot be read in full: what it has left was not looked for'
  expect(release).toMatchObject({ status: 'UNINSTALLED', leftovers: [{ kind: 'Release', name: 'web', why }] })
})

test('an uninstall ends though what its objects are is lost', async () => {
  const id = await damaged(2)
  const operationId = await uninstall(world.deps, world.call, id, { timeout: 4 })
  await settled(id, 2)
  const operation = await readOperation(world.deps, world.call.principal, operationId)
  expect(operation).toMatchObject({ status: 'FAILED', error: { code: 'timed_out' } })
  const gone = await eventually(
    () => world.read(id),
    ({ status }) => status === 'UNINSTALLED',
  )
  expect(gone.leftovers).toEqual([{ kind: 'Release', name: 'web', why: 'what is left of it cannot be read' }])
})
