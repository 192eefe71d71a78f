import { createHash } from 'node:crypto'
import { z } from 'zod'
import { docsPage, docsStyle } from './docs-page.ts'
import { type OpenApiDocument, openApiDocument } from './openapi.ts'
import { type FeatureRoutes, type Route, route } from './route.ts'

const styleHash = createHash('sha256').update(docsStyle).digest('base64')
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** `/openapi.json` and `/docs`: the routes, described by themselves. The page loads nothing and runs nothing. */
export function docsRoutes(described: FeatureRoutes, version: string): FeatureRoutes {
  const document: Route = route({
    method: 'GET',
    url: '/openapi.json',
    operationId: 'getOpenApi',
    tags: ['running'],
    summary: 'This API as an OpenAPI 3.1 document',
    permission: { scope: 'public' },
    schema: { responses: { 200: { description: 'The document', schema: z.looseObject({}) } } },
    handler: async (): Promise<Record<string, unknown>> => ({ ...openApi() }),
  })
  const page: Route = route({
    method: 'GET',
    url: '/docs',
    operationId: 'getDocs',
    tags: ['running'],
    summary: 'This API as a page to read',
    permission: { scope: 'public' },
    schema: { responses: { 200: { description: 'The page', contentType: 'text/html' } } },
    handler: async ({ reply }) => reply.header('content-security-policy', policy).type('text/html').send(html()),
  })
  const own: FeatureRoutes = [document, page]
  const openApi: () => OpenApiDocument = once(() => openApiDocument([...described, ...own], version))
  const html: () => string = once(() => docsPage(openApi()))
  return own
}

function once<T extends object | string>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
