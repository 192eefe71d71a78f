import protobuf from 'protobufjs/light.js'

export type SwaggerSchema = {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, SwaggerSchema>>
  readonly items?: SwaggerSchema
  readonly additionalProperties?: SwaggerSchema
  readonly [extension: `x-${string}`]: unknown
}

/** An OpenAPI v2 document, as far as the practice cluster has one. */
export type Swagger = {
  readonly swagger: '2.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, never>>
  readonly definitions: Readonly<Record<string, SwaggerSchema>>
}

const one = (type: string, id: number) => ({ type, id })
const list = (type: string, id: number) => ({ rule: 'repeated', type, id })

/** The messages of gnostic's OpenAPIv2.proto (https://github.com/google/gnostic-models) that are written. */
const messages = protobuf.Root.fromJSON({
  nested: {
    Document: {
      fields: {
        swagger: one('string', 1),
        info: one('Info', 2),
        paths: one('Paths', 8),
        definitions: one('NamedSchemas', 9),
      },
    },
    Info: { fields: { title: one('string', 1), version: one('string', 2) } },
    Paths: { fields: {} },
    NamedSchemas: { fields: { additionalProperties: list('NamedSchema', 1) } },
    NamedSchema: { fields: { name: one('string', 1), value: one('Schema', 2) } },
    Schema: {
      fields: {
        ref: one('string', 1),
        format: one('string', 2),
        description: one('string', 4),
        required: list('string', 19),
        additionalProperties: one('SchemaOrBoolean', 21),
        type: one('Strings', 22),
        items: one('Schemas', 23),
        properties: one('NamedSchemas', 25),
        vendorExtension: list('NamedAny', 31),
      },
    },
    SchemaOrBoolean: { fields: { schema: one('Schema', 1) } },
    Strings: { fields: { value: list('string', 1) } },
    Schemas: { fields: { schema: list('Schema', 1) } },
    NamedAny: { fields: { name: one('string', 1), value: one('Any', 2) } },
    Any: { fields: { yaml: one('string', 2) } },
  },
})

/** A document in the protobuf form that client-go asks for. */
export function encodeSwagger({ swagger, info, definitions }: Swagger): Uint8Array {
  const type = messages.lookupType('Document')
  return type.encode(type.create({ swagger, info, paths: {}, definitions: named(definitions) })).finish()
}

function named(schemas: Readonly<Record<string, SwaggerSchema>>): object {
  const additionalProperties = Object.entries(schemas).map(([name, schema]) => ({ name, value: messageOf(schema) }))
  return { additionalProperties }
}

function messageOf(schema: SwaggerSchema): object {
  const { $ref, type, format, description, required, properties, items, additionalProperties } = schema
  return {
    ref: $ref,
    format,
    description,
    required,
    type: type && { value: [type] },
    items: items && { schema: [messageOf(items)] },
    properties: properties && named(properties),
    additionalProperties: additionalProperties && { schema: messageOf(additionalProperties) },
    vendorExtension: extensionsOf(schema),
  }
}

/** Extensions are YAML texts, and JSON is YAML. */
function extensionsOf(schema: SwaggerSchema): object[] {
  const extensions = Object.entries(schema).filter(([name]) => name.startsWith('x-'))
  return extensions.map(([name, value]) => ({ name, value: { yaml: JSON.stringify(value) } }))
}
