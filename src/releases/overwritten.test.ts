import { expect, test } from 'vitest'
import { queued } from './core/create.ts'
import type { FieldConflict, HelmRevision, ReleaseState } from './core/model.ts'
import { rest, wanted } from './core/testing/states.ts'
import { overwrittenNext } from './overwritten.ts'

const field = (manager: string, name = '.spec.replicas'): FieldConflict => ({
  ...{ object: 'Deployment app', field: name, manager, live: 4, wanted: 2 },
})
const newest = { revision: 3, status: 'deployed' } as HelmRevision

function rollingBack(targetRevision: number): ReleaseState {
  const before = { status: 'DEPLOYED', attemptedChartVersion: null } as const
  return { ...rest(), operation: queued(wanted({ targetRevision }), 'rollback', before, 1) }
}

const read = (state: ReleaseState, overwritten: () => Promise<readonly FieldConflict[]>) =>
  overwrittenNext(state, newest, {
    cluster: { overwritten },
    manifestOf: async (_, revision) => (revision === 1 ? 'of revision 1' : null),
  })

test("fields that hold a rollout are Flotilla's own: they are given back, not overwritten", async () => {
  const fields = [field('flotilla-gate'), field('kubectl')]
  expect(await read(rollingBack(1), async () => fields)).toEqual([field('kubectl')])
})

test('it is bounded', async () => {
  const many = Array.from({ length: 500 }, (_, n) => field('kubectl', `.data.n${n}`))
  expect(await read(rollingBack(1), async () => many)).toEqual(many.slice(0, 100))
})

test('what cannot be told keeps no release from going back, and nothing is asked where none does', async () => {
  expect(await read(rollingBack(1), () => Promise.reject(new Error('the cluster does not answer')))).toBeNull()
  const asked = () => expect.unreachable('the cluster was asked')
  expect(await read(rollingBack(2), asked)).toBeNull()
  expect(await read(rest(), asked)).toBeNull()
})
