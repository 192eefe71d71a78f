import { z } from 'zod'

/** A JSON Schema (2020-12) as it stands in the document. */
export type JsonSchema = { readonly [key: string]: unknown }

/**
 * The named schemas of a document (`.meta({ id })`), gathered while its routes are described. One name stands for one
 * shape: two different ones are a fault of the program.
 */
export class SchemaCollector {
  readonly #named = new Map<string, JsonSchema>()

  /** The schema as JSON Schema; named ones become references into `components.schemas`. */
  describe(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _, $defs = {}, ...own } = pointToComponents(z.toJSONSchema(schema, { io })) as JsonSchema
    for (const [name, shape] of Object.entries($defs as Record<string, JsonSchema>)) this.#add(name, shape)
    return own
  }

  /** All named schemas, by name. */
  components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#named].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #add(name: string, { id: _, ...shape }: JsonSchema): void {
    const known = this.#named.get(name)
    if (known && JSON.stringify(known) !== JSON.stringify(shape))
      throw new Error(`Two schemas are named ${name}; one that differs as input and as output needs two names`)
    this.#named.set(name, shape)
  }
}

function pointToComponents(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(pointToComponents)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, pointed(key, value)]))
}

function pointed(key: string, value: unknown): unknown {
  if (key === '$ref' && typeof value === 'string') return value.replace('#/$defs/', '#/components/schemas/')
  return pointToComponents(value)
}
