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
  name: z.string().min(1).max(3).optional(),
  code: z.string().min(2).optional(),
  all: z.array(z.string()).min(1).max(2).optional(),
  size: z.int().min(2).max(4).optional(),
  share: z.number().gt(0).lt(1).multipleOf(0.25).optional(),
  order: z.enum(['up', 'down']).optional(),
  zero: z.literal(0).optional(),
  id: z.uuid().optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  day: z.iso.date().optional(),
  either: z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]).optional(),
  target: z
    .discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })])
    .optional(),
  keyed: z.record(z.string().regex(/^a/, 'must begin with a'), z.string()).optional(),
  odd: z
    .string()
    .refine(() => false)
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
  [{ name: '' }, '/name', 'must not be empty'],
  [{ name: 'long' }, '/name', 'must have at most 3 characters'],
  [{ code: 'a' }, '/code', 'must have at least 2 characters'],
  [{ all: [] }, '/all', 'must not be empty'],
  [{ all: ['a', 'b', 'c'] }, '/all', 'must have at most 2 entries'],
  [{ size: 1 }, '/size', 'must be at least 2'],
  [{ size: 5 }, '/size', 'must be at most 4'],
  [{ share: 0 }, '/share', 'must be more than 0'],
  [{ share: 1 }, '/share', 'must be less than 1'],
  [{ share: 0.3 }, '/share', 'must be a multiple of 0.25'],
  [{ order: 'UP' }, '/order', 'must be up or down'],
  [{ zero: 1 }, '/zero', 'must be 0'],
  [{ id: '7' }, '/id', 'must be a UUID'],
  [{ at: 'now' }, '/at', 'must be a moment such as 2026-01-31T12:00:00Z'],
  [{ day: 'today' }, '/day', 'must be a day such as 2026-01-31'],
  [{ either: { c: 1 } }, '/either', 'has none of the forms that are allowed'],
  [{ target: { kind: 'c' } }, '/target/kind', 'must be a or b'],
  [{ keyed: { b: 'x' } }, '/keyed/b', 'its key must begin with a'],
  [{ odd: 'x' }, '/odd', 'is not allowed'],
  [{ other: 1 }, '/other', 'is not a known field'],
])('%j: %s %s', (input, pointer, message) => {
  expect(errorsOf(input)).toEqual([{ pointer, message }])
})

test('a field that is wrong twice is named once', () => {
  expect(errorsOf({ version: 'abc' })).toEqual([{ pointer: '/version', message: 'must begin with a digit' }])
})
