import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import { type JsonSchema, SchemaCollector } from './openapi-schemas.ts'
import type { FeatureRoutes, ResponseSpec, Route } from './route.ts'
import { problemSchema } from './schemas.ts'

/** One operation of the document. `x-permission` is what the caller needs. */
export type OpenApiOperation = {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly 'x-permission': Route['permission']
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly OpenApiParameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, OpenApiResponse>>
}
export type OpenApiParameter = {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}
export type OpenApiResponse = {
  readonly description: string
  readonly headers?: JsonSchema
  readonly content?: Content
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>

/** The part of OpenAPI 3.1 that Flotilla writes. */
export type OpenApiDocument = {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly securitySchemes: JsonSchema
  }
}

/** The OpenAPI document of the routes. The same routes give the same text, whatever order they come in. */
export function openApiDocument(routes: FeatureRoutes, version: string): OpenApiDocument {
  const schemas = new SchemaCollector()
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const route of [...routes].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))) {
    const path = route.url.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(schemas, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flotilla',
      version,
      description: 'Control plane for the Helm releases and upgrades of many tenants on Kubernetes.',
    },
    paths,
    components: {
      schemas: schemas.components(),
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a JWT.' } },
    },
  }
}

const sortKey = (route: Route) => `${route.url} ${route.method}`

function operation(schemas: SchemaCollector, route: Route): OpenApiOperation {
  const { body } = route.schema
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    tags: route.tags,
    'x-permission': route.permission,
    security: route.permission.scope === 'public' ? [] : [{ bearer: [] }],
    parameters: parameters(schemas, route),
    ...(body ? { requestBody: requestBody(schemas, body) } : {}),
    responses: { ...ownResponses(schemas, route), ...tooMany(schemas, route), default: problemResponse(schemas) },
  }
}

function requestBody(schemas: SchemaCollector, body: z.ZodObject) {
  const required = !body.safeParse({}).success
  return { required, content: { 'application/json': { schema: schemas.describe(body, 'input') } } }
}

function parameters(schemas: SchemaCollector, route: Route): OpenApiParameter[] {
  const fields = (place: 'path' | 'query', object: z.ZodObject | undefined) =>
    Object.entries(object?.shape ?? {}).map(([name, field]) => parameter(schemas, place, name, field as z.ZodType))
  return [...fields('path', route.schema.params), ...fields('query', route.schema.query), ...headerParameters(route)]
}

function headerParameters(route: Route): readonly OpenApiParameter[] {
  if (route.permission.scope === 'public') return []
  if (route.method !== 'GET') return waits(route) ? [idempotencyKey, prefer] : [idempotencyKey]
  return [
    ...(isConditional(route) ? [ifNoneMatch] : []),
    ...(route.schema.responses[200]?.streams ? [lastEventId] : []),
  ]
}

/** Reads with a JSON body carry an `ETag`. */
const isConditional = ({ method, permission, schema }: Route): boolean =>
  method === 'GET' && permission.scope !== 'public' && schema.responses[200]?.schema !== undefined

/** Whoever calls it waits for the end of an operation, or is told at once where it can be followed. */
const waits = ({ schema: { responses } }: Route): boolean =>
  responses[202] !== undefined && (responses[200] ?? responses[201]) !== undefined

/** Lists are those that can be read by the page. */
const isList = ({ schema }: Route): boolean => schema.query?.shape.cursor !== undefined

function parameter(
  schemas: SchemaCollector,
  place: 'path' | 'query',
  name: string,
  field: z.ZodType,
): OpenApiParameter {
  const { description, ...schema } = schemas.describe(field, 'output')
  const required = !field.safeParse(undefined).success
  return { name, in: place, required, ...(description ? { description: String(description) } : {}), schema }
}

const idempotencyKey: OpenApiParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request answers the first outcome, for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const prefer: OpenApiParameter = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description: '`respond-async`: 202 at once, with the operation to poll.',
  schema: { type: 'string' },
}

const lastEventId: OpenApiParameter = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'Of a stream: go on behind this event.',
  schema: { type: 'string', pattern: '^[0-9]{1,15}$' },
}

const ifNoneMatch: OpenApiParameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The `ETag` of the last answer: 304 when it is still the same.',
  schema: { type: 'string' },
}

const etag = { ETag: 'Names this very answer, for `If-None-Match`. A whole list that is streamed has none.' }
const listHeaders = {
  Link: 'With `limit`, where the next page is, as `rel="next"`; none on the last.',
  'X-Total-Count': 'How many there are in all, by the same filter.',
}

/** What every route of a kind answers besides, so that it need not say so itself. */
function commonResponses(route: Route): Readonly<Record<string, ResponseSpec>> {
  const spec = route.schema.responses[200]
  if (!isConditional(route) || spec === undefined) return {}
  const headers = { ...spec.headers, ...etag, ...(isList(route) ? listHeaders : {}) }
  return { 200: { ...spec, headers }, 304: { description: 'It is the same as what `If-None-Match` names' } }
}

function ownResponses(schemas: SchemaCollector, route: Route): Record<string, OpenApiResponse> {
  const entries = Object.entries<ResponseSpec>({ ...route.schema.responses, ...commonResponses(route) })
  return Object.fromEntries(entries.map(([status, spec]) => [status, response(schemas, spec)]))
}

function response(schemas: SchemaCollector, spec: ResponseSpec): OpenApiResponse {
  const headers = Object.entries(spec.headers ?? {}).map(
    ([name, description]) => [name, { description, schema: { type: 'string' } }] as const,
  )
  const content = responseContent(schemas, spec)
  return {
    description: spec.description,
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
    ...(content ? { content } : {}),
  }
}

function responseContent(schemas: SchemaCollector, spec: ResponseSpec): Content | null {
  if (spec.schema) {
    const body = { [spec.contentType ?? 'application/json']: { schema: schemas.describe(spec.schema, 'output') } }
    return spec.streams ? { ...body, 'text/event-stream': { schema: { type: 'string' } } } : body
  }
  return spec.contentType ? { [spec.contentType]: { schema: { type: 'string' } } } : null
}

function problemResponse(schemas: SchemaCollector): OpenApiResponse {
  const headers = {
    'Retry-After': { ...retryAfter, description: 'With 429 and 503: seconds until it may be tried again.' },
  }
  return { description: 'A problem (RFC 9457)', headers, content: problemContent(schemas) }
}

const problemContent = (schemas: SchemaCollector): Content => ({
  'application/problem+json': { schema: schemas.describe(problemSchema, 'output') },
})

const retryAfter = { schema: { type: 'integer', minimum: 1 } } as const

/** Callers are held to a rate, and tenants to so many streams, webhooks and waiting operations (SECURITY.md). */
function tooMany(schemas: SchemaCollector, { permission }: Route): Record<string, OpenApiResponse> {
  if (permission.scope === 'public') return {}
  const description = 'Too many at once, of the caller or of the tenant (`too_many_requests`)'
  const header = { ...retryAfter, required: true, description: 'Seconds until it may be tried again.' }
  return { 429: { description, headers: { 'Retry-After': header }, content: problemContent(schemas) } }
}

/** The words of a status, as the documentation page shows them. */
export const statusWords = (status: string): string => STATUS_CODES[status] ?? 'Any error'
