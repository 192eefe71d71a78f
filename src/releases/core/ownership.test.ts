import { expect, test } from 'vitest'
import type { Attempt } from '../../core/decision.ts'
import type { HelmRevision, ReleaseAct } from './model.ts'
import { isOurs } from './ownership.ts'
import { Simulation } from './testing/simulation.ts'

const { state } = new Simulation()
const operation = { ...(state.operation ?? fail()), id: 'rollback', kind: 'rollback' } as const
const attempt = {
  seq: 4,
  act: { kind: 'rollback', operationId: operation.id, target: 1 },
  baseline: { revision: 2, secretUid: 'u2' },
  epoch: 1n,
  startedAt: 1,
  deadline: 2,
  endedAt: 2,
  result: 'changed-and-failed',
  failure: null,
} as const satisfies Attempt<ReleaseAct>

const revision = (change: Partial<HelmRevision>): HelmRevision => ({
  revision: 3,
  secretUid: 'u3',
  resourceVersion: '9',
  status: 'deployed',
  operationId: null,
  attempt: null,
  description: 'Rollback to 1',
  chart: 'web',
  chartVersion: '1.0.0',
  appVersion: null,
  values: {},
  manifest: '',
  hooks: '',
  deployedAt: 1,
  chartDigest: null,
  ...change,
})

const ours = (change: Partial<HelmRevision>) => isOurs(state, operation, attempt, revision(change))

test('a rollback is known by its number and what helm says of it, also when helm could not apply it', () => {
  expect(ours({})).toBe(true)
  expect(ours({ status: 'failed', description: 'Rollback "web" failed: the object is not valid' })).toBe(true)
  expect(ours({ description: 'Rollback to 2' })).toBe(false)
  expect(ours({ revision: 4 })).toBe(false)
  expect(ours({ status: 'deployed', description: 'Rollback "web" failed: no' })).toBe(false)
})

function fail(): never {
  throw new Error('a new release has an operation')
}
