import { expect, test } from 'vitest'
import { AccessRefused, ClusterError } from '../infra/kubernetes/index.ts'
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

type Fields = { readonly fields: readonly FieldConflict[]; readonly unknown: number }
const told = (...fields: readonly FieldConflict[]) => Promise.resolve({ fields, unknown: 0 })

async function read(state: ReleaseState, overwritten: () => Promise<Fields>) {
  const logged: string[] = []
  const log = { error: (_: object, message: string) => void logged.push(message) }
  const manifestOf = async (_: ReleaseState, revision: number) => (revision === 1 ? 'of revision 1' : null)
  return { seen: await overwrittenNext(state, newest, { cluster: { overwritten }, manifestOf, log }), logged }
}

test("fields that hold a rollout are Flotilla's own: they are given back, not overwritten", async () => {
  const { seen } = await read(rollingBack(1), () => told(field('flotilla-gate'), field('kubectl')))
  expect(seen).toEqual({ fields: [field('kubectl')], incomplete: null })
})

test('it is bounded, and says so', async () => {
  const many = Array.from({ length: 101 }, (_, n) => field('kubectl', `.data.n${n}`))
  const { seen } = await read(rollingBack(1), () => told(field('flotilla-gate'), ...many))
  expect(seen).toEqual({ fields: many.slice(0, 100), incomplete: 'there are more than 100 fields' })
  const { seen: all } = await read(rollingBack(1), () => told(...many.slice(1)))
  expect(all?.incomplete).toBeNull()
})

test('what cannot be told keeps no release from going back, and is told as not known', async () => {
  const some = await read(rollingBack(1), async () => ({ fields: [field('kubectl')], unknown: 3 }))
  const incomplete = 'the cluster did not tell of 3 of the objects'
  expect(some.seen).toEqual({ fields: [field('kubectl')], incomplete })
  for (const error of [new ClusterError({ status: 0, reason: 'Timeout', message: '' }), new AccessRefused('no')]) {
    const { seen, logged } = await read(rollingBack(1), () => Promise.reject(error))
    expect(seen).toEqual({ fields: [], incomplete: expect.stringContaining('cluster') })
    expect(logged).toEqual([])
  }
})

test('a fault of ours is logged besides', async () => {
  const { seen, logged } = await read(rollingBack(1), () => Promise.reject(new TypeError('a fault')))
  expect(seen).toEqual({ fields: [], incomplete: 'it could not be asked' })
  expect(logged).toHaveLength(1)
})

test('nothing is asked of a revision that is not mirrored, or where none is gone back to', async () => {
  const asked = () => expect.unreachable('the cluster was asked')
  const unknown = { fields: [], incomplete: 'the manifest of revision 2 is not known' }
  expect((await read(rollingBack(2), asked)).seen).toEqual(unknown)
  expect((await read(rest(), asked)).seen).toBeNull()
})
