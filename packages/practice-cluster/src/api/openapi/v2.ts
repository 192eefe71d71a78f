import { allTypes } from '../../resources/table.ts'
import type { ResourceType } from '../../store/types.ts'
import { encodeSwagger, type Swagger, type SwaggerSchema } from './protobuf.ts'
import { etagOf, info, schemasOf } from './v3.ts'

/** The OpenAPI v2 document in one form. */
export type SwaggerDocument = {
  readonly body: string | Uint8Array
  readonly contentType: string
  readonly etag: string
}

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
const documents = new WeakMap<readonly ResourceType[], Map<string, SwaggerDocument>>()

/**
 * The one OpenAPI v2 document of all kinds, in which clients look up what the items of a `List` are: kubectl and helm
 * check those themselves. It has the schemas of v3 and no paths. Made when first asked for, then kept as long as the
 * custom kinds do not change. Undefined when the client takes neither JSON nor the protobuf of client-go.
 */
export function openApiV2(accept: string, custom: readonly ResourceType[]): SwaggerDocument | undefined {
  const contentType = contentTypeFor(accept)
  if (contentType === undefined) return undefined
  const made = documents.get(custom) ?? new Map<string, SwaggerDocument>()
  documents.set(custom, made)
  const document = made.get(contentType) ?? documentIn(contentType, custom)
  made.set(contentType, document)
  return document
}

function contentTypeFor(accept: string): string | undefined {
  for (const part of accept === '' ? ['*/*'] : accept.split(',')) {
    const type = part.split(';')[0]?.trim().replace('@', '.') ?? ''
    if (type === PROTOBUF_TYPE) return type
    if (type === JSON_TYPE || type === 'application/*' || type === '*/*') return JSON_TYPE
  }
  return undefined
}

function documentIn(contentType: string, custom: readonly ResourceType[]): SwaggerDocument {
  const swagger = swaggerOf([...allTypes, ...custom])
  const body = contentType === JSON_TYPE ? JSON.stringify(swagger) : encodeSwagger(swagger)
  return { body, contentType, etag: etagOf(body) }
}

function swaggerOf(types: readonly ResourceType[]): Swagger {
  const schemas = [...schemasOf(types)].map(([name, schema]) => [name, downgrade(schema)] as const)
  return { swagger: '2.0', info, paths: {}, definitions: Object.fromEntries(schemas) }
}

/** What is read of a schema of v3; the rules on values (`minimum`, `enum`, `oneOf`…) are for the server alone. */
type V3 = {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, V3>>
  readonly items?: V3
  readonly additionalProperties?: V3 | boolean
  readonly allOf?: readonly { readonly $ref?: string }[]
  readonly nullable?: boolean
}

/** A schema in the words of v2. What v2 cannot say (null, unknown fields, one of two types) is any value at all. */
function downgrade(schema: V3): SwaggerSchema {
  const kept = Object.entries(schema).filter(([name]) => name.startsWith('x-') || name === 'description')
  const marks = Object.fromEntries(kept) as SwaggerSchema
  const target = schema.allOf?.[0]?.$ref?.split('/').at(-1)
  if (target !== undefined) return { $ref: `#/definitions/${target}`, ...marks }
  if (schema.format === 'int-or-string') return { type: 'string', format: schema.format, ...marks }
  return isAnyValue(schema) ? marks : { ...shapeOf(schema), ...marks }
}

const isAnyValue = (schema: V3): boolean =>
  schema.nullable === true ||
  ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-int-or-string'].some(
    (mark) => Reflect.get(schema, mark) === true,
  )

function shapeOf({ type, format, required, properties, items, additionalProperties: values }: V3): SwaggerSchema {
  const fields = Object.entries(properties ?? {}).map(([name, field]) => [name, downgrade(field)] as const)
  return {
    ...(type === undefined ? {} : { type }),
    ...(format === undefined ? {} : { format }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
    ...(items === undefined ? {} : { items: downgrade(items) }),
    ...(typeof values === 'object' ? { additionalProperties: downgrade(values) } : {}),
  }
}
