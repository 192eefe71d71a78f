import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../store/types.ts'
import { schemaOf } from '../catalog.ts'
import { decode } from '../decode.ts'
import { completed } from '../prepare.ts'
import { kindOf } from './kinds.ts'
import type { Structural } from './schema.ts'
import { customErrors } from './validation.ts'

function definition(plural: string, openAPIV3Schema?: Structural, served = true): KubeObject {
  const schema = openAPIV3Schema === undefined ? {} : { schema: { openAPIV3Schema } }
  const versions = [{ name: 'v1', served, storage: true, ...schema }]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com`, uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural, kind: 'Thing' }, versions },
  }
}

function decoded(schema: Structural | undefined, spec: unknown) {
  const type = kindOf(definition('things', schema))
  if (type === undefined) throw new Error('no kind')
  const value = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec }
  const { value: kept, findings } = decode(value, schemaOf(type))
  return { spec: (kept as { spec?: unknown }).spec, ...findings }
}

const object = (spec: Structural): Structural => ({ type: 'object', properties: { spec } })

describe('a custom kind', () => {
  it('is the same value while its specification is, and none while nothing is served', () => {
    const stored = definition('things')
    expect(kindOf({ ...stored, status: {} })).toBe(kindOf(stored))
    expect(kindOf(stored)).toMatchObject({ plural: 'things', singular: 'thing', namespaced: true, generation: true })
    expect(kindOf(definition('things', undefined, false))).toBeUndefined()
  })

  it('keeps what it declares, and anything where it says so', () => {
    const spec = { type: 'object', properties: { a: { type: 'string' } } }
    expect(decoded(object(spec), { a: 'x', b: 1 })).toEqual({ spec: { a: 'x' }, unknown: ['spec.b'] })
    const open = { ...spec, 'x-kubernetes-preserve-unknown-fields': true }
    expect(decoded(object(open), { a: 'x', b: { c: 1 } })).toEqual({ spec: { a: 'x', b: { c: 1 } }, unknown: [] })
    expect(decoded(undefined, { any: ['thing'] }).spec).toEqual({ any: ['thing'] })
    expect(decoded({ type: 'object' }, { any: 1 }).spec).toBeUndefined()
    expect(decoded(object(spec), { a: 1 })).toMatchObject({ spec: { a: 1 }, mistyped: undefined })
  })

  it('is judged by each rule of its schema', () => {
    const judged = (spec: Structural, value: unknown): string[] =>
      customErrors({ apiVersion: 'a/v1', kind: 'Thing', metadata: {}, spec: value }, object(spec)).map(
        ({ field, message }) => `${field}: ${message}`,
      )
    expect(judged({ type: 'string', nullable: true }, null)).toEqual([])
    expect(judged({ type: 'number', exclusiveMinimum: true, minimum: 1 }, 1)).toHaveLength(1)
    expect(judged({ type: 'number', exclusiveMaximum: true, maximum: 1 }, 1)).toHaveLength(1)
    expect(judged({ type: 'integer', multipleOf: 2 }, 3)).toHaveLength(1)
    expect(judged({ type: 'integer' }, 1.5)).toEqual([
      'spec: Invalid value: "number": spec in body must be of type integer: "number"',
    ])
    expect(judged({ type: 'string', minLength: 2 }, 'a')).toHaveLength(1)
    expect(judged({ type: 'array', minItems: 1, items: { type: 'string' } }, [])).toHaveLength(1)
    const map: Structural = { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } }
    expect(judged(map, { a: 'x', b: 1 })).toHaveLength(2)
    expect(judged({ type: 'object', minProperties: 1 }, {})).toHaveLength(1)
    const either: Structural = { anyOf: [{ required: ['a'] }, { required: ['b'] }] }
    expect(judged({ type: 'object', ...either }, {})).toHaveLength(1)
    expect(judged({ type: 'object', ...either }, { a: 1, b: 1 })).toEqual([])
    expect(judged({ type: 'object', oneOf: either.anyOf ?? [] }, { a: 1, b: 1 })).toHaveLength(1)
    expect(judged({ type: 'object', not: { required: ['a'] } }, { a: 1 })).toHaveLength(1)
    expect(judged({ type: 'object', allOf: [{ required: ['a'] }] }, {})).toEqual(['spec.a: Required value'])
  })

  it('is not taken for a built-in kind of the same name', () => {
    const type = kindOf(definition('services'))
    if (type === undefined) throw new Error('no kind')
    const input = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec: {} }
    expect(completed(type, input, undefined)).toEqual({
      ...input,
      metadata: { name: 'a', uid: expect.any(String) },
    })
  })
})
