import { Reader } from 'protobufjs/minimal.js'
import { schemaName, schemaNamed } from '../resources/catalog.ts'
import { type Field, isOmitted, type Schema, type Struct } from '../resources/schema.ts'
import { badRequest } from './status.ts'

/**
 * Reads bodies of `application/vnd.kubernetes.protobuf`: the four bytes `k8s\0`, then a `runtime.Unknown` whose `raw` is
 * the object. The numbers of the fields come from the schemas, so every kind can be read; what the API writes is JSON.
 */
const MAGIC = Buffer.from('k8s\0')

/** Whether a body begins as the API's protobuf does. */
export const isProtobuf = (body: Buffer): boolean => body.subarray(0, 4).equals(MAGIC)

/** The object in a protobuf body, as its JSON would be. @throws ApiError 400 when it cannot be read. */
export function decodeProtobuf(body: Buffer): Record<string, unknown> {
  try {
    const { apiVersion, kind, raw } = readEnvelope(new Reader(body.subarray(4)))
    const [version = '', group = ''] = apiVersion.split('/').reverse()
    const name = kind === 'DeleteOptions' ? 'meta.v1.DeleteOptions' : schemaName({ group, version, kind })
    return { apiVersion, kind, ...readStruct(new Reader(raw), schemaNamed(name) as Struct) }
  } catch (error) {
    throw badRequest(`the body is not a protobuf object of this API: ${error instanceof Error ? error.message : ''}`)
  }
}

function readEnvelope(reader: Reader): { apiVersion: string; kind: string; raw: Uint8Array } {
  let [apiVersion, kind, raw] = ['', '', new Uint8Array()]
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag >>> 3 === 1) ({ apiVersion, kind } = readTypeMeta(sub(reader)))
    else if (tag >>> 3 === 2) raw = new Uint8Array(reader.bytes())
    else reader.skipType(tag & 7)
  }
  return { apiVersion, kind, raw }
}

function readTypeMeta(reader: Reader): { apiVersion: string; kind: string } {
  const texts: Record<number, string> = {}
  while (reader.pos < reader.len) texts[reader.uint32() >>> 3] = reader.string()
  return { apiVersion: texts[1] ?? '', kind: texts[2] ?? '' }
}

const sub = (reader: Reader): Reader => new Reader(reader.bytes())

function readStruct(reader: Reader, struct: Struct): Record<string, unknown> {
  if (struct.kind !== 'struct') throw new Error('unknown kind')
  const numbered = numbersOf(struct)
  const object: Record<string, unknown> = {}
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const field = numbered.get(tag >>> 3)
    if (field === undefined) reader.skipType(tag & 7)
    else readField(reader, field, object)
  }
  for (const field of struct.fields.values()) if (isEmptyTime(object[field.name])) delete object[field.name]
  return object
}

const isEmptyTime = (value: unknown): boolean => value === ZERO_TIME

function readField(reader: Reader, field: Field, object: Record<string, unknown>): void {
  const { name, schema } = field
  if (schema.kind === 'list') {
    const list = (object[name] ?? []) as unknown[]
    list.push(readValue(reader, schema.items))
    object[name] = list
  } else if (schema.kind === 'map') {
    const [key, value] = readEntry(sub(reader), schema.values)
    object[name] = { ...(object[name] as object | undefined), [key]: value }
  } else {
    const value = readValue(reader, schema)
    if (value !== '' && value !== ZERO_TIME && !isOmitted(field, value)) object[name] = value
  }
}

function readEntry(reader: Reader, values: Schema): [string, unknown] {
  let key = ''
  let value: unknown = ''
  while (reader.pos < reader.len) {
    if (reader.uint32() >>> 3 === 1) key = reader.string()
    else value = readValue(reader, values)
  }
  return [key, value]
}

function readValue(reader: Reader, schema: Schema): unknown {
  if (schema.kind === 'struct') return readStruct(sub(reader), schema)
  if (schema.kind !== 'scalar') throw new Error('nested list')
  switch (schema.type) {
    case 'integer':
      return Number(reader.int64())
    case 'boolean':
      return reader.bool()
    case 'number':
      return reader.double()
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'date-time':
      return readTime(sub(reader), schema.name)
    case 'int-or-string':
      return readIntOrString(sub(reader))
    case 'any':
      return readMessageOfOne(sub(reader), schema.name)
    default:
      return reader.string()
  }
}

const ZERO_TIME = '0001-01-01T00:00:00Z'

function readTime(reader: Reader, name: string): string {
  let [seconds, nanos, empty] = [0, 0, true]
  while (reader.pos < reader.len) {
    empty = false
    if (reader.uint32() >>> 3 === 1) seconds = Number(reader.int64())
    else nanos = reader.int32()
  }
  if (empty || seconds < 0) return ZERO_TIME
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  return name.endsWith('MicroTime') ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`
}

function readIntOrString(reader: Reader): number | string {
  let [type, number, text] = [0, 0, '']
  while (reader.pos < reader.len) {
    const field = reader.uint32() >>> 3
    if (field === 1) type = Number(reader.int64())
    else if (field === 2) number = reader.int32()
    else text = reader.string()
  }
  return type === 0 ? number : text
}

/** A Quantity holds its text, FieldsV1 and RawExtension hold JSON; each in field 1. */
function readMessageOfOne(reader: Reader, name: string): unknown {
  let text = ''
  while (reader.pos < reader.len) {
    reader.uint32()
    text = reader.string()
  }
  return name.endsWith('Quantity') ? text : JSON.parse(text || 'null')
}

const numbers = new WeakMap<Struct, ReadonlyMap<number, Field>>()

function numbersOf(struct: Struct): ReadonlyMap<number, Field> {
  const known = numbers.get(struct)
  if (known !== undefined) return known
  const made = new Map([...struct.fields.values()].flatMap((field) => (field.number ? [[field.number, field]] : [])))
  numbers.set(struct, made as Map<number, Field>)
  return made as Map<number, Field>
}
