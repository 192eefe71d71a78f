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

/** What `helm template` of 4.1 and 3.17 made of each, without quotes. */
const plain: readonly (readonly [string, unknown])[] = [
  ...['e7', 'E9', 'e+7', '+e3', '.e3', '.', '._', '+.', '._5', '_1', '1:30'].map((text) => [text, text] as const),
  ...([
    ['1e3', 1000],
    ['1.e3', 1000],
    ['.5e1', 5],
    ['1_0.5', 10.5],
    ['1.', 1],
    ['-.5', -0.5],
    ['1__0', 10],
  ] as const),
  ...([
    ['0x1F', 31],
    ['0b11', 3],
    ['0o17', 15],
    ['017', 15],
    ['08', 8],
    ['~', null],
    ['y', true],
  ] as const),
]

test.each(plain)('%s is read as helm reads it: what has no digit before its exponent is a name', (text, value) => {
  expect(parse(`a: ${text}`, helmYaml)).toEqual({ a: value })
})

test('a text without documents has none', () => expect(parseManifestDocuments('')).toHaveLength(0))
