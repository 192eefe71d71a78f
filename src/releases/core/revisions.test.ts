import { describe, expect, test } from 'vitest'
import type { RevisionSummary } from './model.ts'
import { revisionToReturnTo } from './revisions.ts'

const revision = (number: number, chartVersion: string, verdict: RevisionSummary['verdict']): RevisionSummary => ({
  ...{ revision: number, chartVersion, verdict, secretUid: `uid-${number}`, operationId: null, chart: 'web' },
  ...{ chartDigest: null, appVersion: null, description: null, performedBy: 'test', createdAt: number },
})

describe('the revision that an execution goes back to', () => {
  const history = [
    revision(1, '1.0.0', 'DEPLOYED'),
    revision(2, '1.1.0', 'DEPLOYED'),
    revision(3, '1.4.0', 'FAILED'),
    revision(4, '1.2.0', 'FAILED'),
  ]

  test.each([
    ['is the newest of the version that ended DEPLOYED, not the failed one that was found', '1.1.0', 3, 2],
    ['is the one that was found, where it is that', '1.1.0', 2, 2],
    ['is never one that came after what was found', '1.2.0', 3, 3],
    ['is a failed one where a frozen fleet runs a version that never ended DEPLOYED', '1.4.0', 3, 3],
    ['is what was found where nothing is known of the version', '9.9.9', 4, 4],
  ])('%s', (_, chartVersion, found, expected) => {
    expect(revisionToReturnTo(history, { chartVersion, found, orFound: true })).toBe(expected)
  })

  test('is none where a release of its own never ran the version: what was found is of another', () => {
    expect(revisionToReturnTo(history, { chartVersion: '9.9.9', found: 4, orFound: false })).toBeNull()
    expect(revisionToReturnTo(history, { chartVersion: '1.4.0', found: 4, orFound: false })).toBe(3)
  })
})
