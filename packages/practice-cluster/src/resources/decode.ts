import type { Schema, Struct } from './schema.ts'

/** What a body holds beyond or against the schema of its kind. */
export type Findings = {
  /** Paths of fields that the kind does not have: `spec.foo`. */
  readonly unknown: readonly string[]
  /** The first value of a wrong type, as Go's JSON decoder words it. */
  readonly mistyped: string | undefined
}

export type Decoded = { readonly value: unknown; readonly findings: Findings }

type Walk = { unknown: string[]; mistyped: string | undefined }
type Place = { readonly path: string; readonly owner: string }

/** The value without what its schema does not know and without nulls, and what was wrong with it. */
export function decode(value: unknown, schema: Schema): Decoded {
  const walk: Walk = { unknown: [], mistyped: undefined }
  const kind = schema.kind === 'struct' ? shortName(schema.name) : ''
  return { value: visit(value, schema, { path: '', owner: kind }, walk), findings: walk }
}

const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

function visit(value: unknown, schema: Schema, place: Place, walk: Walk): unknown {
  if (schema.kind === 'scalar') {
    if (!fits(value, schema.type)) mistyped(value, schema, place, walk)
    return value
  }
  if (schema.kind === 'list') return visitList(value, schema, place, walk)
  if (!isRecord(value)) {
    mistyped(value, schema, place, walk)
    return value
  }
  return schema.kind === 'struct'
    ? visitStruct(value, schema, place, walk)
    : visitMap(value, schema.values, place, walk)
}

function visitList(value: unknown, schema: Schema & { kind: 'list' }, place: Place, walk: Walk): unknown {
  if (!Array.isArray(value)) {
    mistyped(value, schema, place, walk)
    return value
  }
  return value.map((item, i) => visit(item, schema.items, { ...place, path: `${place.path}[${i}]` }, walk))
}

function visitMap(value: Record<string, unknown>, values: Schema, place: Place, walk: Walk): Record<string, unknown> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  if (values.kind === 'scalar' && values.type === 'string') {
    for (const [, each] of entries) if (typeof each !== 'string' && each !== null) mistyped(each, values, place, walk)
    return Object.fromEntries(entries.map(([key, each]) => [key, each ?? '']))
  }
  return Object.fromEntries(entries.map(([key, each]) => [key, visit(each, values, place, walk)]))
}

function visitStruct(value: Record<string, unknown>, struct: Struct, { path }: Place, walk: Walk): unknown {
  const result: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) {
    const field = struct.fields.get(key)
    const at = path === '' ? key : `${path}.${key}`
    if (field === undefined && struct.open === true) result[key] = each
    else if (field === undefined) walk.unknown.push(at)
    else if (each !== null && each !== undefined) {
      result[key] = visit(each, field.schema, { path: at, owner: shortName(struct.name) }, walk)
    }
  }
  return result
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bytes: (value) => typeof value === 'string',
  'date-time': (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  'int-or-string': (value) => typeof value === 'string' || Number.isInteger(value),
}

const fits = (value: unknown, type: string): boolean => TYPES[type]?.(value) ?? true

/** Custom kinds have no Go types: their values are judged by the schema of the definition, once they are whole. */
function mistyped(value: unknown, schema: Schema, { path, owner }: Place, walk: Walk): void {
  if (owner === '') return
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : jsonTypeOf(value)
  const at = path.replaceAll(/\[\d+\]/g, '')
  walk.mistyped ??= `json: cannot unmarshal ${found} into Go struct field ${owner}.${at} of type ${goType(schema)}`
}

const jsonTypeOf = (value: unknown): string => (typeof value === 'boolean' ? 'bool' : typeof value)

const GO: Readonly<Record<string, string>> = { integer: 'int32', boolean: 'bool', bytes: '[]uint8', number: 'float64' }

function goType(schema: Schema): string {
  if (schema.kind === 'scalar') return GO[schema.type] ?? schema.type
  if (schema.kind === 'list') return `[]${goType(schema.items)}`
  if (schema.kind === 'map') return `map[string]${goType(schema.values)}`
  return schema.name.split('.').slice(-2).join('.')
}
