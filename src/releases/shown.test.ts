import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { Problem } from '../core/problems.ts'
import { ActFailed } from '../infra/engine/index.ts'
import { maskedProblem, maskOf } from '../infra/secrets/mask.ts'
import type { ReleaseObservation } from './core/model.ts'
import { rest } from './core/testing/states.ts'
import { maskOfState, shownFailure, shownObservation } from './machine-shown.ts'
import type { Charts } from './ports.ts'
import { shownWith } from './shown.ts'

/** Charts whose schema marks everything under `secret`. */
const charts = {
  redact: async (_: string | null, values: JsonObject) => ('secret' in values ? { ...values, secret: '***' } : values),
  secrets: async (_: string | null, { secret = null }: JsonObject) => leaves(secret),
} as Charts

function leaves(value: Json): readonly string[] {
  if (isJsonObject(value)) return Object.values(value).flatMap(leaves)
  return typeof value === 'string' ? [value] : []
}

/** Without a star: what is put in its place must not make a new one. */
const marked = fc
  .string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 20 })
  .filter((text) => /^[^*]*[a-z]{3}/.test(text))

const writings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `postgres://app:${encodeURIComponent(text)}@db/x`,
  (text) => `ConfigMap ${JSON.stringify(text)} is invalid`,
  (text) => Buffer.from(`x ${text} y`).toString('base64'),
]

/** Everything that is said of a release whose texts hold `said`. */
async function everyAnswer(values: JsonObject, said: readonly string[]): Promise<Json> {
  const state = { ...rest(), release: { ...rest().release, values } }
  const text = said.join(' | ')
  const manifest = stringify({
    kind: 'ConfigMap',
    metadata: { name: text, labels: { of: text } },
    data: { [text]: text },
  })
  const shown = await shownWith(charts, ['digest'], [values])
  const objects = [{ kind: 'ConfigMap', name: text, why: text }]
  const remains = { gone: false, deleting: false, blockers: [text], remaining: objects, leftovers: objects }
  // The keys of evidence are ours.
  const pods = { pods: [{ log: said, reason: text }] }
  const absent: ReleaseObservation = { kind: 'absent', remains: { ...remains, evidence: pods } }
  const failed = new ActFailed('unchanged', {
    code: 'helm_failed',
    detail: text,
    evidence: { helm: text, hooks: pods },
  })
  const act = shownFailure(failed, await maskOfState(charts, state))
  const errors = [{ pointer: '/valuesOverride', message: text }]
  const problem = maskedProblem(new Problem('malformed', text, { errors, extra: { blockers: [text] } }), shown.mask)
  const { message, extra } = problem as Problem
  return [
    await shown.values({ ...values, plain: text }),
    shown.manifests([manifest]).join(''),
    (await shownObservation(charts, state, absent)) as unknown as Json,
    { ...act.failure } as unknown as Json,
    { message, extra, errors: [...(problem as Problem).errors] },
  ]
}

test('no marked value is in any answer, wherever and however it stands', async () => {
  const given = fc.record({
    texts: fc.array(marked, { minLength: 1, maxLength: 4 }),
    write: fc.constantFrom(...writings),
  })
  await fc.assert(
    fc.asyncProperty(given, async ({ texts, write }) => {
      const secret = Object.fromEntries(texts.map((text, index) => [`s${index}`, text]))
      const said = texts.map(write)
      const answers = JSON.stringify(await everyAnswer({ secret, plain: 'kept' }, said))
      for (const hidden of [...texts, ...said]) expect(answers).not.toContain(JSON.stringify(hidden).slice(1, -1))
    }),
    { numRuns: 50 },
  )
})

test('names of pods that are to be deleted, and numbers, stay as they are', async () => {
  const state = { ...rest(), release: { ...rest().release, values: { secret: { a: 'web-0', b: '1234' } } } }
  const newest = { values: {}, chartDigest: null, description: 'web-0 failed' }
  const readiness = { ready: 1234, total: 1234, settled: false, failed: false, blockers: ['Pod web-0: 1234'] }
  const stuckPods = [{ name: 'web-0', uid: 'u' }]
  const seen = { kind: 'present', newest, unknown: [], stored: [1234], readiness: { ...readiness, stuckPods } }
  const shown = await shownObservation(charts, state, {
    ...seen,
    remains: null,
    evidence: null,
    leftByHook: null,
    overwritten: null,
  } as unknown as ReleaseObservation)
  const blockers = ['Pod ***: ***']
  expect(shown).toMatchObject({ stored: [1234], readiness: { ...readiness, blockers, stuckPods } })
  expect(shown).toMatchObject({ kind: 'present', newest: { description: '*** failed' } })
})

test('what is masked of a failure is its words: that its worker stopped stays known', () => {
  const failure = { code: 'interrupted', detail: 'at web-0', workerStopped: true } as const
  const shown = shownFailure(new ActFailed('interrupted', failure), maskOf(['web-0']))
  expect(shown).toMatchObject({ result: 'interrupted', failure: { ...failure, detail: 'at ***' } })
})
