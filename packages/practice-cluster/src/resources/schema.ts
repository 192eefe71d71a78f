/**
 * What a value of the API looks like: its fields, how lists and maps merge, and the protobuf numbers.
 *
 * Read from `schemas.txt`, one type a paragraph:
 *
 *     core.v1.ContainerPort
 *       containerPort integer #3 required
 *       protocol string #4 default="TCP"
 *
 * `[T]` is a list, `{T}` a map, `#3` the protobuf number. `keys=a,b`, `set` and `atomic` say how server-side apply sees
 * a list or map; `merge=KEY` how a strategic merge patch does; `value` marks a struct that is never absent; `omitzero` a
 * field whose empty value is the same as none, so that it is not kept.
 */

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean' | 'bytes' | 'date-time' | 'int-or-string' | 'any'

export type Scalar = { readonly kind: 'scalar'; readonly type: ScalarType; readonly name: string }
export type ListSchema = {
  readonly kind: 'list'
  readonly items: Schema
  readonly keys: readonly string[] | undefined
  readonly set: boolean
}
export type MapSchema = { readonly kind: 'map'; readonly values: Schema; readonly atomic: boolean }
export type Struct = {
  readonly kind: 'struct'
  readonly name: string
  readonly atomic: boolean
  /** Whether fields that it does not declare are kept, as custom resources may ask for. */
  readonly open?: boolean
  readonly fields: ReadonlyMap<string, Field>
}
export type Schema = Scalar | ListSchema | MapSchema | Struct

export type Field = {
  readonly name: string
  readonly schema: Schema
  readonly number: number | undefined
  /** `name` of `merge=name`, '' for a list of primitives that merges, undefined for one that is replaced. */
  readonly mergeKey: string | undefined
  readonly retainKeys: boolean
  readonly required: boolean
  /** Whether the struct is embedded by value: it is there even when nobody wrote it. */
  readonly value: boolean
  /** Whether `false`, 0, '', an empty list or map means the same as leaving it out. */
  readonly omitZero: boolean
  readonly fallback: unknown
}

/** Whether a field holds what its type says by leaving it out. */
export const isOmitted = ({ omitZero }: Field, value: unknown): boolean =>
  omitZero && (value === false || value === 0 || value === '' || isEmptyCollection(value))

const isEmptyCollection = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** Any JSON at all, merged as one value. */
export const anything: Scalar = { kind: 'scalar', type: 'any', name: 'any' }

const SCALARS: Readonly<Record<string, ScalarType>> = {
  string: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  bytes: 'bytes',
  'date-time': 'date-time',
  'int-or-string': 'int-or-string',
  object: 'any',
  any: 'any',
}

/** Reads the whole text; every type is resolved, also where types refer to each other in a circle. */
export function parseSchemas(text: string): ReadonlyMap<string, Schema> {
  const blocks = text.split('\n').reduce<string[][]>((all, line) => {
    if (line.startsWith('  ')) all.at(-1)?.push(line.trim())
    else if (line !== '' && !line.startsWith('#')) all.push([line])
    return all
  }, [])
  const named = new Map(blocks.map(([head = '', ...fields]) => declare(head, fields.length > 0)))
  for (const [head = '', ...lines] of blocks) {
    const declared = named.get(nameOf(head))
    if (declared?.kind !== 'struct') continue
    const fields = declared.fields as Map<string, Field>
    for (const line of lines) {
      const field = parseField(line, named)
      fields.set(field.name, field)
    }
  }
  return named
}

const nameOf = (head: string): string => head.split(' ')[0] ?? ''

function declare(head: string, isStruct: boolean): [string, Schema] {
  const [name = '', ...traits] = head.split(' ')
  if (isStruct) return [name, { kind: 'struct', name, atomic: traits.includes('atomic'), fields: new Map() }]
  return [name, { kind: 'scalar', type: SCALARS[traits.at(-1) ?? 'any'] ?? 'any', name }]
}

function parseField(line: string, named: ReadonlyMap<string, Schema>): Field {
  const [name = '', type = 'any', ...traits] = splitTraits(line)
  const trait = (prefix: string) => traits.find((each) => each.startsWith(prefix))?.slice(prefix.length)
  const number = trait('#')
  const fallback = trait('default=')
  return {
    name,
    schema: parseType(type, traits, named),
    number: number === undefined ? undefined : Number(number),
    mergeKey: trait('merge='),
    retainKeys: traits.includes('retainKeys'),
    required: traits.includes('required'),
    value: traits.includes('value'),
    omitZero: traits.includes('omitzero'),
    fallback: fallback === undefined ? undefined : JSON.parse(fallback),
  }
}

/** Splits at spaces, except within the JSON of a default, which ends the line or stands before `required`. */
function splitTraits(line: string): string[] {
  return line.match(/default=.+?(?= required$|$)|\S+/g) ?? []
}

function parseType(type: string, traits: readonly string[], named: ReadonlyMap<string, Schema>): Schema {
  if (type.startsWith('[')) {
    const keys = traits.find((each) => each.startsWith('keys='))?.slice(5)
    const items = parseType(type.slice(1, -1), [], named)
    return { kind: 'list', items, keys: keys?.split(','), set: traits.includes('set') }
  }
  if (type.startsWith('{')) {
    return { kind: 'map', values: parseType(type.slice(1, -1), [], named), atomic: traits.includes('atomic') }
  }
  const scalar = SCALARS[type]
  if (scalar !== undefined) return { kind: 'scalar', type: scalar, name: type }
  const found = named.get(type) ?? anything
  return found.kind === 'struct' && traits.includes('atomic') ? { ...found, atomic: true } : found
}
