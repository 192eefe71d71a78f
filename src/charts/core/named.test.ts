import { expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import { refuseNameless } from './named.ts'

const job = (metadata?: JsonObject): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  ...(metadata === undefined ? {} : { metadata }),
})
const list = (metadata: JsonObject, ...items: JsonObject[]): JsonObject => ({
  apiVersion: 'v1',
  kind: 'List',
  metadata,
  items,
})
const check =
  (object: JsonObject, source: string | null = 'demo/templates/job.yaml') =>
  () =>
    refuseNameless([{ source, object }])

test.each<[string, JsonObject]>([
  ['one that the server names', job({ generateName: 'run-' })],
  ['one without metadata', job()],
  ['one with an empty name', job({ name: '' })],
  ['one in a list', { apiVersion: 'v1', kind: 'List', items: [job({ name: 'x' }), job({ generateName: 'run-' })] }],
  [
    'one in a list that names a hook itself: helm asks the list only',
    list({}, job({ generateName: 'run-', annotations: { 'helm.sh/hook': 'pre-install' } })),
  ],
])('%s is refused by its kind and template', (_, object) => {
  const message = expect.stringMatching(/^Job in demo\/templates\/job\.yaml has no metadata\.name/)
  expect(check(object)).toThrow(expect.objectContaining({ code: 'chart_invalid', message }))
  expect(check(object, null)).toThrow(/^Job has no metadata\.name/)
})

test.each<[string, JsonObject]>([
  ['a name', job({ name: 'x' })],
  ['a name beside generateName', job({ name: 'x', generateName: 'run-' })],
  ['a hook', job({ generateName: 'run-', annotations: { 'helm.sh/hook': 'pre-install' } })],
  [
    'a list that is a hook as a whole',
    list({ annotations: { 'helm.sh/hook': 'pre-install' } }, job({ generateName: 'run-' })),
  ],
  ['an empty list', { apiVersion: 'v1', kind: 'List', items: [] }],
  ['what is no object of a kind', { any: 'thing' }],
])('%s passes', (_, object) => expect(check(object)).not.toThrow())
