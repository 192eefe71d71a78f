import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import type { Json, JsonObject } from '../../../src/core/json.ts'
import { isJsonObject } from '../../../src/core/json.ts'
import { valuesFile } from '../../../src/infra/helm/values-file.ts'
import { mergeValues, nextValues } from '../../../src/releases/core/values.ts'
import { propertyRuns } from '../../support/property-runs.ts'
import { testedHelm } from '../../support/tested-helm.ts'

/** What values a chart sees when helm merges them, and when we do (SPEC section 3). */
const defaults: JsonObject = {
  a: 1,
  b: { a: 'text', b: { a: true, c: [1, { a: 2 }] }, c: null },
  c: ['x', 'y'],
  'a.b': { a: 'dotted' },
  sub: { a: 'from above' },
  global: { a: 'everywhere' },
}
const chart = packedFixture('demo', '1.0.0', {
  'values.yaml': JSON.stringify(defaults),
  'templates/map.yaml': shows('demo'),
  'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
  'charts/sub/values.yaml': JSON.stringify({ a: 'own', b: { a: 1, b: 2 }, global: { a: 'below', b: 1 } }),
  'charts/sub/templates/map.yaml': shows('sub'),
})

function shows(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {values: {{ .Values | toJson | quote }}}\n`
}

let folder: string
let helm: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-values-'))
  await writeFile(join(folder, 'chart.tgz'), chart)
  helm = (await testedHelm()).path
})
afterAll(() => rm(folder, { recursive: true }))

let runs = 0

/** The values of the chart and of the one inside it, with each of these files behind the one before it. */
async function seen(...files: readonly JsonObject[]): Promise<string> {
  runs += 1
  const paths = files.map((_, i) => join(folder, `${runs}-${i}.json`))
  await Promise.all(paths.map((path, i) => writeFile(path, valuesFile(files[i] ?? {}))))
  const args = ['template', ...paths.map((path) => `--values=${path}`), 'demo', join(folder, 'chart.tgz')]
  const options = { env: { HOME: folder, PATH: '/usr/bin:/bin' }, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(helm, args, options)
  await Promise.all(paths.map((path) => rm(path)))
  return stdout
}

const name = fc.constantFrom('a', 'b', 'c', 'a.b', 'sub', 'global', 'new', 'true', '0', 'ü')
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('', 'text', 'yes', 'null', '~', '1e3', '0x10', '{{ .Release.Name }}', 'two\nlines', ' a: b'),
)
const { values } = fc.letrec<{ any: Json; values: JsonObject }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { arbitrary: scalar, weight: 3 },
    { arbitrary: tie('values'), weight: 3 },
    { arbitrary: fc.array(tie('any'), { maxLength: 3 }), weight: 1 },
  ),
  values: fc.dictionary(name, tie('any'), { maxKeys: 5 }) as fc.Arbitrary<JsonObject>,
}))
/** Tables are what a chart inside another one, and `global`, must be given: helm stops at anything else. */
const tables = values.map((given) => {
  const kept = Object.entries(given).filter(([key, value]) => !['sub', 'global'].includes(key) || isJsonObject(value))
  return Object.fromEntries(kept) as JsonObject
})

const { numRuns, limitMs } = propertyRuns(20)

describe('values that are merged by us are those that helm merges', () => {
  test(
    'one request after another over what is stored',
    async () => {
      const requests = fc.array(tables, { minLength: 2, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(requests, async (files) => {
          const merged = files.reduce((stored, request) => nextValues(stored, request, 'merge'))
          expect(await seen(merged)).toBe(await seen(...files))
        }),
        { numRuns, endOnFailure: true },
      )
    },
    limitMs,
  )

  test(
    'a request that replaces is all that counts, and one without values changes nothing',
    async () => {
      await fc.assert(
        fc.asyncProperty(tables, tables, async (stored, request) => {
          const last = await seen(request)
          expect(await seen(nextValues(stored, request, 'replace'))).toBe(last)
          expect(nextValues(stored, undefined, 'merge')).toEqual(mergeValues(stored, {}))
        }),
        { numRuns: Math.ceil(numRuns / 4), endOnFailure: true },
      )
    },
    limitMs,
  )

  test(
    'null takes a default of the chart away, wherever it is in it',
    async () => {
      const paths = fc.constantFrom(['a'], ['b'], ['b', 'a'], ['b', 'b'], ['b', 'b', 'c'], ['c'], ['a.b', 'a'])
      await fc.assert(
        fc.asyncProperty(paths, tables, async (path, stored) => {
          const removal = path.reduceRight<Json>((inner, key) => ({ [key]: inner }), null) as JsonObject
          const text = await seen(nextValues(stored, removal, 'merge'))
          expect(text).toBe(await seen(stored, removal))
          expect(at(shownValues(text), path)).toBeUndefined()
        }),
        { numRuns: Math.ceil(numRuns / 2), endOnFailure: true },
      )
    },
    limitMs,
  )
})

/** Every character of the first plane but the halves of others, and one of another. */
const everyCharacter = [...Array(0x1_0000).keys()]
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCharCode(code))
  .concat('\u{1F6A2}')

test('a chart is given the text that was sent, whatever it holds', async () => {
  const odd = ['\u0085', '\u2028', '\ufeff', '\u007f', 'x'.repeat(5_000)]
  const given = {
    text: everyCharacter.map((character) => `a ${character} b`),
    alone: everyCharacter,
    keys: Object.fromEntries(odd.map((key) => [key, { [`${key} y`]: 1 }])),
  }
  const shown = parseAllDocuments(await seen(given)).map((document) => document.toJS() as Shown)
  const [demo] = shown.filter(({ metadata }) => metadata.name === 'demo')
  expect(JSON.parse(demo?.data.values ?? 'null')).toMatchObject(given)
})

type Shown = { readonly metadata: { readonly name: string }; readonly data: { readonly values: string } }

/** The values that the outer chart has shown. */
function shownValues(text: string): Json {
  const line = /name: demo\}\ndata: \{values: (".*")\}/.exec(text)?.[1] ?? 'null'
  return JSON.parse(JSON.parse(line) as string) as Json
}

const at = (value: Json, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (inner, key) => (inner !== undefined && isJsonObject(inner) ? inner[key] : undefined),
    value,
  )
