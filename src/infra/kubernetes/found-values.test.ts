import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withoutFoundValues } from './found-values.ts'

const json = '{"containers":[{"env":[{"name":"A","value":"CANARY: ]} \\"x"}]}],"n":1}'
const go =
  'core.PodTemplateSpec{Env:[]core.EnvVar{core.EnvVar{Name:"A", Value:"CANARY: }"}}, T:v1.Time{}, P:(*int64)(nil)}'

test.each([
  ['a text', 'spec.x: Invalid value: "CANARY": must be', 'spec.x: Invalid value: ***: must be'],
  ['one with quotes in it', 'spec.x: Invalid value: "a\\"CANARY": must be', 'spec.x: Invalid value: ***: must be'],
  [
    'a number',
    '[a: Invalid value: 99999: must be less, b: Duplicate value: 1]',
    '[a: Invalid value: ***: must be less, b: Duplicate value: ***]',
  ],
  ['an object', `a: Invalid value: ${json}: field is immutable`, 'a: Invalid value: ***: field is immutable'],
  ['a struct of Go', `a: Invalid value: ${go}: field is immutable`, 'a: Invalid value: ***: field is immutable'],
  [
    'a list and a map',
    'a: Unsupported value: []string{"CANARY"}, b: Invalid value: map[string]string{"a":"CANARY"}: no',
    'a: Unsupported value: ***, b: Invalid value: ***: no',
  ],
  ['one that was cut', `a: Invalid value: ${json.slice(0, 40)}`, 'a: Invalid value: ***'],
  ['a text that was cut', 'a: Invalid value: "CANARY', 'a: Invalid value: ***'],
  ['one that tells of another', 'a: Invalid value: {"x":"Invalid value: CANARY"}: no', 'a: Invalid value: ***: no'],
  ['one in a text that is quoted itself', 'msg="a: Invalid value: \\"b: CANARY\\""', 'msg="a: Invalid value: ***'],
  ['nothing of the kind', 'a: Required value', 'a: Required value'],
])('%s', (_, text, safe) => expect(withoutFoundValues(text)).toBe(safe))

test('whatever JSON an object holds, only the words around it are left', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const found = JSON.stringify(value)
      expect(withoutFoundValues(`spec: Invalid value: ${found}: no`)).toBe('spec: Invalid value: ***: no')
    }),
  )
})
