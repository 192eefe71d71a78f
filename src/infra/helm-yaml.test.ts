import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { helmYaml, parseManifestDocuments } from './helm-yaml.ts'

const readings: readonly (readonly [string, string, unknown])[] = [
  ['words of 1.1', '[yes, off, "yes"]', [true, false, 'yes']],
  ['octal numbers', '[010, 0o10, 0x10]', [8, 8, 16]],
  ['a merge', '{<<: {a: 1}, b: 2}', { a: 1, b: 2 }],
  [
    'dates as their text',
    '[2024-01-02, 2024-01-02T03:04:05Z, !!timestamp 2024-01-02]',
    ['2024-01-02', '2024-01-02T03:04:05Z', '2024-01-02'],
  ],
  ['no numbers to the base of 60', '1:30', '1:30'],
  ['binary as the text that it encodes', '!!binary U2VjcmV0', 'Secret'],
  ['a set as a map', '!!set {a: null}', { a: null }],
  ['the same whatever version it declares', '%YAML 1.2\n---\nyes', true],
]

test.each(readings)('YAML is read as helm reads it: %s', (_, text, value) => {
  expect(parse(text, helmYaml)).toEqual(value)
  expect(parseManifestDocuments(text).map((document) => document.toJS())).toEqual([value])
})

test('a text without documents has none', () => expect(parseManifestDocuments('')).toHaveLength(0))
