import type { OpenApiDocument, OpenApiOperation } from '../../src/infra/http/openapi.ts'

/** What is wrong with the shape of a document: references to nothing, bodies that take fields nobody knows. */
export function shapeFaults(document: OpenApiDocument): string[] {
  const text = JSON.stringify(document)
  const dangling = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => !(name in document.components.schemas))
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  return [
    ...new Set(dangling.map((name) => `there is no schema ${name}`)),
    ...operations.flatMap((operation) => looseBodies(document, operation)),
  ]
}

function looseBodies(document: OpenApiDocument, operation: OpenApiOperation): string[] {
  const schema = operation.requestBody?.content['application/json']?.schema
  return looseParts(document, schema, '').map(
    (pointer) => `${operation.operationId}: the body takes unknown fields at "${pointer}"`,
  )
}

/** Where a schema names properties and lets others pass. Free maps name none: values are free. */
function looseParts(document: OpenApiDocument, schema: unknown, pointer: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((part, i) => looseParts(document, part, `${pointer}/${i}`))
  if (typeof schema !== 'object' || schema === null) return []
  const { $ref, properties, additionalProperties, ...rest } = schema as Record<string, unknown>
  if (typeof $ref === 'string')
    return looseParts(document, document.components.schemas[$ref.split('/').at(-1) ?? ''], pointer)
  const own = properties !== undefined && additionalProperties !== false ? [pointer] : []
  const parts = Object.entries({ ...rest, ...(properties as object) })
  return [...own, ...parts.flatMap(([name, part]) => looseParts(document, part, `${pointer}/${name}`))]
}
