import { expect, test } from 'vitest'
import type { ReleaseDeps } from '../deps.ts'
import type { OperationListing } from '../store/operations.ts'
import { endWithEvidence } from './operations.ts'

const error = { code: 'helm_failed', detail: 'why' }
const row = (ended_at: Date | null) => ({ id: 'one', error, result: null, ended_at }) as unknown as OperationListing

/** A database where nothing is kept of the operation, which counts how often it is asked. */
function countingDeps() {
  let reads = 0
  const executeTakeFirst = async () => {
    reads += 1
    return { evidence_enc: null }
  }
  const query = { select: () => query, where: () => query, executeTakeFirst }
  const db = { selectFrom: () => query, withSchema: () => db, withTables: () => db }
  return { deps: { db } as unknown as ReleaseDeps, reads: () => reads }
}

test('what is kept of an operation is read once, and not while it runs: callers poll it', async () => {
  const { deps, reads } = countingDeps()
  expect(await endWithEvidence(deps, row(null))).toEqual({ error, result: null })
  expect(reads()).toBe(0)
  expect(await endWithEvidence(deps, row(new Date(1)))).toEqual({ error: { ...error, evidence: null }, result: null })
  expect(reads()).toBe(1)
})
