import { expect, test } from 'vitest'
import { Problem } from '../../core/problems.ts'
import type { Call, Route } from '../../infra/http/route.ts'
import type { ReleaseDeps } from '../deps.ts'
import { withShownProblems } from './shown-problems.ts'

const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
const deps = { states: { load: () => Promise.reject(away) } } as unknown as ReleaseDeps

/** What a route throws that has thrown this, while the database is away. */
async function told(error: unknown): Promise<unknown> {
  const handler = () => Promise.reject(error)
  const route = withShownProblems(deps, { url: '/api/v1/helm/releases/:id/upgrade', handler } as unknown as Route)
  const outcome = route.handler({ params: { id: 'r' }, body: {} } as unknown as Call) as Promise<unknown>
  return outcome.then(
    () => null,
    (thrown: unknown) => thrown,
  )
}

test('while the database is away an accepted operation is still named, and no text is that may hold a secret', async () => {
  const problem = (await told(new Problem('not_ready', 'canary', { extra: { operationId: 'op' } }))) as Problem
  expect([problem.code, problem.extra]).toEqual(['unavailable', { operationId: 'op' }])
  expect(problem.message).not.toContain('canary')
})

test('without an operation it is the database that is told of', async () => {
  expect(await told(new Problem('not_ready', 'canary'))).toBe(away)
})
