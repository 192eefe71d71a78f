import { expect, test } from 'vitest'
import { parseManifest } from '../../kubernetes/index.ts'
import { besides, joinedManifest as joinedWith } from './joined-manifest.ts'

const joinedManifest = (first: string, second: string, namespace: string) =>
  joinedWith(first, besides(first, second, namespace))

const config = (name: string, of: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${more} }\ndata: { of: ${of} }\n`
const manifest = (...documents: string[]) => documents.map((text) => `---\n# Source: x/y.yaml\n${text}`).join('')
const said = (text: string) => parseManifest(text).map(({ name, body }) => `${name} ${JSON.stringify(body.data)}`)

test('what both have is that of the first, and what only the second has comes behind', () => {
  const joined = joinedManifest(
    manifest(config('a', 'first'), config('b', 'first')),
    manifest(config('b', 'second'), config('c', 'second')),
    'ns',
  )
  expect(said(joined)).toEqual(['a {"of":"first"}', 'b {"of":"first"}', 'c {"of":"second"}'])
})

test('the same object is the same with its namespace said, in another version of its group, and within a List', () => {
  const first = manifest(config('a', 'first', ', namespace: ns'), config('b', 'first'))
  const list = manifest(
    `apiVersion: v1\nkind: List\nitems: [${JSON.stringify({ ...parseManifest(config('b', 'x'))[0]?.body })}]`,
  )
  expect(said(joinedManifest(first, config('a', 'second') + list, 'ns'))).toHaveLength(2)
  const scaler = (version: string) =>
    `apiVersion: autoscaling/${version}\nkind: HorizontalPodAutoscaler\nmetadata: { name: a }\n`
  expect(parseManifest(joinedManifest(scaler('v1'), scaler('v2'), 'ns'))).toHaveLength(1)
})

test('of another kind or namespace it is another one, and nothing stays nothing', () => {
  expect(said(joinedManifest(config('a', 'x'), config('a', 'y', ', namespace: other'), 'ns'))).toHaveLength(2)
  expect(parseManifest(joinedManifest('', '', 'ns'))).toEqual([])
  expect(said(joinedManifest('', config('a', 'second'), 'ns'))).toEqual(['a {"of":"second"}'])
})

test('what YAML takes for no text or for the end of a line stays in its text', () => {
  const text = String.fromCodePoint(0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xa0, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff, 0x1f600)
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { [text]: text } }
  const escaped = JSON.stringify(body).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const joined = joinedManifest('', escaped, 'ns')
  expect(joined).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/)
  expect(parseManifest(joined).map((object) => object.body)).toEqual([body])
})
