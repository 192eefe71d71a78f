import { z } from 'zod'
import { Problem } from '../core/problems.ts'
import { sendMemoryList } from '../infra/http/memory-list.ts'
import { pageQuery, querySort, queryText } from '../infra/http/query.ts'
import { type FeatureRoutes, route } from '../infra/http/route.ts'
import { idParams, time, uuid } from '../infra/http/schemas.ts'
import { rfc3339 } from '../infra/http/time.ts'
import { type AddSourceParts, addSource } from './commands/add-source.ts'
import { listCharts } from './commands/list-charts.ts'
import { chartNamePattern } from './core/names.ts'
import { dnsLabel } from './labels.ts'
import { type ChartSource, type SourceCredentials, type SourceRecord, sourceTypes } from './types.ts'

export type ChartRouteParts = AddSourceParts & { readonly open: () => Promise<readonly ChartSource[]> }

const secret = z.string().min(1).max(4096).meta({ format: 'password', writeOnly: true })
const credentials = z
  .union([
    z.strictObject({ username: z.string().min(1).max(256), password: secret }),
    z.strictObject({ token: secret }),
  ])
  .describe('Sent to the own scheme, host and port of the source only. Never shown again.')

const newSource = z
  .strictObject({
    name: dnsLabel,
    type: z.enum(sourceTypes),
    url: z.string().min(1).max(2048).describe('The address of a repository, or the absolute path of a folder.'),
    priority: z.int().min(0).max(1000).default(100).describe('The lowest is asked first, equal ones by name.'),
    credentials: credentials.optional(),
  })
  .meta({ id: 'NewChartSource' })

const source = z
  .strictObject({
    id: uuid,
    name: z.string(),
    type: z.enum(sourceTypes),
    url: z.string(),
    priority: z.int(),
    hasCredentials: z.boolean(),
    createdAt: time,
  })
  .meta({ id: 'ChartSource' })

const chart = z
  .strictObject({ name: z.string(), versions: z.array(z.string()), sources: z.array(z.string()) })
  .meta({ id: 'Chart' })

/** The routes of chart sources, and of the charts in them. */
export function chartRoutes(parts: ChartRouteParts): FeatureRoutes {
  return [createSource(parts), listSources(parts), readSource(parts), deleteSource(parts), charts(parts)]
}

const createSource = (parts: ChartRouteParts) =>
  route({
    method: 'POST',
    url: '/api/v1/chart-sources',
    operationId: 'createChartSource',
    tags: ['charts'],
    summary: 'Add a place that charts come from',
    permission: { scope: 'platform', action: 'chart-source.write' },
    schema: {
      body: newSource,
      responses: { 201: { description: 'The source', schema: source, headers: { Location: 'Where it is read' } } },
    },
    handler: async ({ body, reply }) => {
      const record = await addSource(parts, { ...body, credentials: toCredentials(body.credentials) })
      reply.code(201).header('location', `/api/v1/chart-sources/${record.id}`)
      return present(record)
    },
  })

const listSources = (parts: ChartRouteParts) =>
  route({
    method: 'GET',
    url: '/api/v1/chart-sources',
    operationId: 'listChartSources',
    tags: ['charts'],
    summary: 'The chart sources, in the order in which they are asked',
    permission: { scope: 'platform', action: 'chart-source.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the name or the address.'),
        sort: querySort(['priority', '-priority', 'name', '-name'], 'as they are asked'),
      }),
      responses: { 200: { description: 'The sources', schema: z.array(source) } },
    },
    handler: async (call) =>
      sendMemoryList(call, {
        rows: await parts.sources.list(),
        id: ({ name }) => name,
        orders: { priority: byPriority, '-priority': byPriority, name: byName, '-name': byName },
        order: call.query.sort ?? 'priority',
        words: ({ name, url }) => [name, url],
        present,
      }),
  })

const readSource = (parts: ChartRouteParts) =>
  route({
    method: 'GET',
    url: '/api/v1/chart-sources/:id',
    operationId: 'getChartSource',
    tags: ['charts'],
    summary: 'One chart source',
    permission: { scope: 'platform', action: 'chart-source.read' },
    schema: { params: idParams, responses: { 200: { description: 'The source', schema: source } } },
    handler: async ({ params }) => {
      const found = (await parts.sources.list()).find(({ id }) => id === params.id)
      if (found === undefined) throw new Problem('not_found', `there is no chart source ${params.id}`)
      return present(found)
    },
  })

const deleteSource = (parts: ChartRouteParts) =>
  route({
    method: 'DELETE',
    url: '/api/v1/chart-sources/:id',
    operationId: 'deleteChartSource',
    tags: ['charts'],
    summary: 'Remove a chart source',
    description: 'Charts that came from it are kept: releases run them, and may still be moved to them.',
    permission: { scope: 'platform', action: 'chart-source.write' },
    schema: { params: idParams, responses: { 204: { description: 'It is gone' } } },
    handler: async ({ params, reply }) => {
      await parts.sources.remove(params.id)
      return reply.code(204).send()
    },
  })

const charts = (parts: ChartRouteParts) =>
  route({
    method: 'GET',
    url: '/api/v1/charts',
    operationId: 'listCharts',
    tags: ['charts'],
    summary: 'The charts that can be installed, by name, with their versions, the newest first',
    permission: { scope: 'platform', action: 'chart.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        name: queryText().regex(chartNamePattern).optional(),
        q: queryText().optional().describe('Part of the name.'),
        sort: querySort(['name', '-name'], 'by name'),
      }),
      responses: { 200: { description: 'The charts', schema: z.array(chart) } },
    },
    handler: async (call) => {
      const all = await listCharts(await parts.open())
      const { name } = call.query
      return sendMemoryList(call, {
        rows: name === undefined ? all : all.filter((listed) => listed.name === name),
        id: byName,
        orders: { name: byName, '-name': byName },
        order: call.query.sort ?? 'name',
        words: (listed) => [listed.name],
        present: (listed) => listed,
      })
    },
  })

const byName = ({ name }: { readonly name: string }): string => name
const byPriority = ({ priority }: SourceRecord): number => priority

function toCredentials(given: z.output<typeof credentials> | undefined): SourceCredentials | null {
  if (given === undefined) return null
  return 'token' in given ? { kind: 'bearer', token: given.token } : { kind: 'basic', ...given }
}

function present({
  id,
  name,
  type,
  url,
  priority,
  credentials: kept,
  createdAt,
}: SourceRecord): z.input<typeof source> {
  const hasCredentials = kept !== null
  return { id, name, type, url, priority, hasCredentials, createdAt: rfc3339(createdAt) }
}
