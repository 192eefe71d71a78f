import { expect, test } from 'vitest'
import type { Json } from '../core/json.ts'
import { maskOf, showAll } from '../infra/secrets/mask.ts'
import { shownConflict } from './shown-conflict.ts'
import { shownEvidence } from './shown-evidence.ts'

const told = { object: 'Deployment web', field: '.spec', manager: 'kubectl-edit' }
const shown = (live: Json, wanted: Json, mask = showAll) => {
  const { live: is, wanted: wants } = shownConflict({ ...told, live, wanted }, mask)
  return [is, wants]
}

test.each<[string, Json]>([
  ['a number', 3],
  ['a short text', 'red'],
  ['nothing', null],
  ['a list', ['--debug', '--port=80']],
  ['a map', { disk: 'ssd', zone: { name: 'a' } }],
])('%s is shown as it is', (_what, value) => {
  expect(shown(value, 'other')).toEqual([value, 'other'])
  expect(shown('other', value)).toEqual(['other', value])
})

test('what is long is cut around where the two differ, and says so', () => {
  expect(shown('w'.repeat(5_000), 'one')).toEqual([`${'w'.repeat(200)}…`, 'one'])
  const [live, wanted] = shown(`${'a'.repeat(3_000)}BY-HAND${'z'.repeat(3_000)}`, `${'a'.repeat(3_000)}WANTED`) as [
    string,
    string,
  ]
  expect(live).toMatch(/^…a{50}BY-HANDz{143}…$/)
  expect(wanted).toMatch(/^…a{50}WANTED$/)
})

test('so is a long list or map, as JSON, whatever the order of keys is', () => {
  const list = (last: string) => [
    ...Array.from({ length: 200 }, (_, n) => ({ name: `n${n}`, on: true })),
    { name: last },
  ]
  const reversed = list('b').map((item) => Object.fromEntries(Object.entries(item).reverse()))
  const [live, wanted] = shown(list('a'), reversed) as [string, string]
  expect(live).toMatch(/^….*\{"name":"a"\}\]$/)
  expect(wanted).toMatch(/^….*\{"name":"b"\}\]$/)
  const [whole] = shown(list('a'), null) as [string]
  expect(whole).toMatch(/^\[\{"name":"n0".*…$/)
  expect(whole).toHaveLength(501)
})

test('what is secret is hidden before anything is cut, in names and values', () => {
  const mask = maskOf(['correct-horse-battery'])
  const long = `${'x'.repeat(190)}correct-horse-battery${'x'.repeat(100)}`
  for (const value of [long, ['--password=correct-horse-battery', long], { 'correct-horse-battery': long }]) {
    const text = JSON.stringify(shown(value, 'other', mask))
    expect(text).not.toMatch(/correct|horse|battery/)
    expect(text).toContain('***')
  }
})

test('where a secret is wanted nothing is shown of what another hand wrote: it may be a newer one', () => {
  const mask = maskOf(['correct-horse-battery'])
  const url = (word: string) => `postgres://app:${word}@db`
  expect(shown(url('rotated-by-hand'), url('correct-horse-battery'), mask)).toEqual(['***', url('***')])
  expect(shown(['-p', 'rotated'], ['-p', 'correct-horse-battery'], mask)).toEqual(['***', ['-p', '***']])
  expect(shown(null, url('correct-horse-battery'), mask)).toEqual([null, url('***')])
  const conflicts = [{ ...told, live: url('rotated-by-hand'), wanted: url('correct-horse-battery') }]
  expect(JSON.stringify(shownEvidence({ conflicts }, mask))).not.toContain('rotated')
})

test('evidence is masked, and its conflicts are shown in the same way', () => {
  const mask = maskOf(['canary-word'])
  const conflicts = [{ ...told, live: ['canary-word', 'w'.repeat(600)], wanted: null }, told]
  const { helm, conflicts: is } = shownEvidence({ helm: 'a canary-word', conflicts, pods: null }, mask) as {
    helm: string
    conflicts: readonly { live?: string }[]
  }
  expect(helm).toBe('a ***')
  expect(is[0]?.live).toMatch(/^\["\*\*\*","w+…$/)
  expect(is[1]).toEqual(told)
  expect(shownEvidence(null, mask)).toBeNull()
  expect(shownEvidence({ helm: 'canary-word' }, mask)).toEqual({ helm: '***' })
})
