import { allSchemas } from '../catalog.ts'
import { anything, type Field, type ListSchema, type Schema, type Struct } from '../schema.ts'

/** A part of a structural schema, as a CustomResourceDefinition holds it. */
export type Structural = {
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, Structural>>
  readonly additionalProperties?: Structural | boolean
  readonly items?: Structural
  readonly default?: unknown
  readonly nullable?: boolean
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly allOf?: readonly Structural[]
  readonly anyOf?: readonly Structural[]
  readonly oneOf?: readonly Structural[]
  readonly not?: Structural
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
}

const TEXT: Schema = { kind: 'scalar', type: 'string', name: 'string' }

/** The schema of a custom kind: what it says of its fields, and the metadata that every object has. */
export function schemaOfCustom(whole: Structural | undefined): Schema {
  const metadata = allSchemas.get('meta.v1.ObjectMeta') ?? anything
  const common = { apiVersion: TEXT, kind: TEXT, metadata }
  return struct({ ...schemasOf(whole?.properties ?? {}), ...common }, whole === undefined || isOpen(whole))
}

const isOpen = (part: Structural): boolean =>
  part['x-kubernetes-preserve-unknown-fields'] === true || part['x-kubernetes-embedded-resource'] === true

const schemasOf = (properties: Readonly<Record<string, Structural>>): Record<string, Schema> =>
  Object.fromEntries(Object.entries(properties).map(([key, part]) => [key, convert(part)]))

function convert(part: Structural): Schema {
  if (part['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', type: 'int-or-string', name: 'any' }
  if (part.type === 'array') return convertList(part)
  return part.type === 'object' ? convertObject(part) : scalar(part.type)
}

function convertObject(part: Structural): Schema {
  const atomic = part['x-kubernetes-map-type'] === 'atomic'
  const { properties = {}, additionalProperties } = part
  if (typeof additionalProperties === 'object') return { kind: 'map', values: convert(additionalProperties), atomic }
  return struct(schemasOf(properties), isOpen(part) || additionalProperties === true, atomic)
}

function convertList(part: Structural): ListSchema {
  const type = part['x-kubernetes-list-type']
  const keys = type === 'map' ? part['x-kubernetes-list-map-keys'] : undefined
  return { kind: 'list', items: convert(part.items ?? {}), keys, set: type === 'set' }
}

function scalar(type: string | undefined): Schema {
  const known = type === 'string' || type === 'integer' || type === 'number' || type === 'boolean'
  return known ? { kind: 'scalar', type, name: type } : anything
}

/** An `open` struct keeps the fields that it does not declare. */
function struct(schemas: Readonly<Record<string, Schema>>, open: boolean, atomic = false): Struct {
  const fields = new Map(Object.entries(schemas).map(([key, schema]) => [key, fieldOf(key, schema)]))
  return { kind: 'struct', name: '', atomic, open, fields }
}

const fieldOf = (name: string, schema: Schema): Field => ({
  name,
  schema,
  number: undefined,
  mergeKey: undefined,
  retainKeys: false,
  required: false,
  value: false,
  omitZero: false,
  fallback: undefined,
})
