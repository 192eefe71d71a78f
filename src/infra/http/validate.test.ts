import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Problem } from '../../core/problems.ts'
import { parseInput } from './validate.ts'

const schema = z.strictObject({
  map: z.record(z.string(), z.string()).optional(),
  list: z.array(z.string()).optional(),
  count: z.int().optional(),
  flag: z.boolean().optional(),
  version: z
    .string()
    .regex(/^[0-9]/, 'must begin with a digit')
    .refine((text) => text.includes('.'), 'must have a dot')
    .optional(),
})

const errorsOf = (input: unknown): Problem['errors'] => {
  try {
    parseInput('body', schema, input)
  } catch (error) {
    return (error as Problem).errors
  }
  return []
}

test.each<[unknown, string, string]>([
  [{ map: [] }, '/map', 'must be an object'],
  [{ list: {} }, '/list', 'must be a list'],
  [{ count: '1' }, '/count', 'must be a number'],
  [{ count: 1.5 }, '/count', 'must be a whole number'],
  [{ flag: 'yes' }, '/flag', 'must be true or false'],
  [{ version: 7 }, '/version', 'must be a text'],
  [[], '', 'must be an object'],
  [{ other: 1 }, '/other', 'is not a known field'],
])('%j: %s %s', (input, pointer, message) => {
  expect(errorsOf(input)).toEqual([{ pointer, message }])
})

test('a field that is wrong twice is named once', () => {
  expect(errorsOf({ version: 'abc' })).toEqual([{ pointer: '/version', message: 'must begin with a digit' }])
})
