import { expect, test } from 'vitest'
import { problemOf } from '../infra/kubernetes/index.ts'
import type { HelmRevision, Present } from './core/model.ts'
import { rest } from './core/testing/states.ts'
import { shownObservation } from './machine-shown.ts'
import type { Charts } from './ports.ts'

const secret = 'marked-in-the-schema'
const charts = { redact: async () => ({}), secrets: async () => [secret] } as unknown as Charts

/** A pod that no node takes, in so many words before the secret. */
function unscheduled(before: number): string {
  const message = `${'x'.repeat(before)}${secret} and more`
  const conditions = [{ type: 'PodScheduled', status: 'False', message }]
  return problemOf({ status: { phase: 'Pending', conditions } })
}

test('wherever a long text is cut, nothing is left of a marked value', async () => {
  const newest = { values: {}, chartDigest: null, description: '' } as unknown as HelmRevision
  const blockers = Array.from({ length: 700 }, (_, before) => unscheduled(before))
  const readiness = { ready: 0, total: 1, settled: false, failed: false, blockers, stuckPods: [] }
  const seen = { kind: 'present', newest, unknown: [], stored: [], readiness, remains: null, evidence: null }
  const shown = await shownObservation(charts, rest(), { ...seen, overwritten: null } as unknown as Present)
  const said = shown.kind === 'present' ? (shown.readiness?.blockers ?? []) : []
  expect(said).toHaveLength(700)
  expect(said.filter((text) => text.includes('xm'))).toEqual([])
  expect(Math.max(...said.map(({ length }) => length))).toBe(500)
})
