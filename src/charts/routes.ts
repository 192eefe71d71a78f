import { z } from 'zod'
import { Problem } from '../core/problems.ts'
import { sendMemoryList } from '../infra/http/memory-list.ts'
import { pageQuery, querySort, queryText } from '../infra/http/query.ts'
import { type FeatureRoutes, route } from '../infra/http/route.ts'
import { idParams, time, uuid } from '../infra/http/schemas.ts'
import { rfc3339 } from '../infra/http/time.ts'
import { type AddSourceParts, addSource } from './commands/add-source.ts'
import { type ListParts, listCharts } from './commands/list-charts.ts'
import { removeSource } from './commands/remove-source.ts'
import { chartNamePattern } from './core/names.ts'
import { dnsLabel } from './labels.ts'
import { type ChartSource, type SourceCredentials, type SourceRecord, sourceTypes } from './types.ts'

export type ChartRouteParts = AddSourceParts & {
  readonly open: () => Promise<readonly ChartSource[]>
  readonly kept: ListParts['kept']
}

/** A list does not wait for all the time that a source may take: people wait for it. */
const listLimitMs = 5_000

const secret = z.string().min(1).max(4096).meta({ format: 'password', writeOnly: true })
const credentials = z
  .union([
    z.strictObject({ username: z.string().min(1).max(256), password: secret }),
    z.strictObject({ token: secret }),
  ])
  .describe('Sent to the own scheme, host and port of the source and its `authHosts` only. Never shown again.')

const reason = z.string().max(500).optional().describe('Kept in the audit log.')

const keys = z.string().min(1).max(65_536)
const verify = z
  .union([
    z.strictObject({
      provenanceKeys: keys.describe('Armored OpenPGP public keys, for the .prov file beside a chart.'),
    }),
    z.strictObject({ cosignKey: keys.describe('A public key of cosign as PEM, for charts in a registry.') }),
  ])
  .meta({ id: 'ChartSourceVerify' })

const newSource = z
  .strictObject({
    name: dnsLabel,
    type: z.enum(sourceTypes),
    url: z
      .string()
      .min(1)
      .max(2048)
      .describe(
        'The address of a repository (https://HOST/PATH), of a registry (oci://HOST/PATH; http://HOST/PATH for one without TLS), or the absolute path of a folder.',
      ),
    priority: z.int().min(0).max(1000).default(100).describe('The lowest is asked first, equal ones by name.'),
    credentials: credentials.optional(),
    authHosts: z
      .array(z.string().min(1).max(255))
      .max(10)
      .default([])
      .describe('Hosts beside its own that a registry may name for its tokens: they see its credentials.'),
    verify: verify
      .optional()
      .describe(
        'Whose signature each of its charts must have: otherwise an install or upgrade is 422 chart_unverified.',
      ),
    reason,
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
    authHosts: z.array(z.string()),
    verify: verify.nullable(),
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
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, ...rest } = body
      const wanted = { ...rest, credentials: toCredentials(body.credentials), verify: body.verify ?? null }
      const headers = (id: string) => ({ location: `/api/v1/chart-sources/${id}` })
      const record = await addSource(parts, { principal, reason }, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: present(result) }),
      )
      reply.code(201).headers(headers(record.id))
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
    schema: {
      params: idParams,
      query: z.strictObject({ reason }),
      responses: { 204: { description: 'It is gone' } },
    },
    handler: async ({ params, query, principal, reply }) => {
      await removeSource(parts, { principal, reason: query.reason }, params.id)
      return reply.code(204).send()
    },
  })

const unavailableHeader = 'X-Unavailable-Sources'
const unavailableHeaders = { [unavailableHeader]: 'The names of the sources that did not answer, when some did not' }

const charts = (parts: ChartRouteParts) =>
  route({
    method: 'GET',
    url: '/api/v1/charts',
    operationId: 'listCharts',
    tags: ['charts'],
    summary: 'The charts that can be installed, by name, with their versions, the newest first',
    description:
      'Of a source that does not answer within five seconds, those that are kept. A registry that has no catalogue shows charts that came from it before; with `name` every source is asked for that chart.',
    permission: { scope: 'platform', action: 'chart.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        name: queryText().regex(chartNamePattern).optional(),
        q: queryText().optional().describe('Part of the name.'),
        sort: querySort(['name', '-name'], 'by name'),
      }),
      responses: { 200: { description: 'The charts', schema: z.array(chart), headers: unavailableHeaders } },
    },
    handler: async (call) => {
      const { name } = call.query
      const listing = { sources: await parts.open(), kept: parts.kept, limitMs: listLimitMs }
      const { charts: rows, unavailable } = await listCharts(listing, name)
      if (unavailable.length > 0) call.reply.header(unavailableHeader, unavailable.join(', '))
      return sendMemoryList(call, {
        rows,
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

function present({ credentials: kept, authHosts, createdAt, ...shown }: SourceRecord): z.input<typeof source> {
  return { ...shown, hasCredentials: kept !== null, authHosts: [...authHosts], createdAt: rfc3339(createdAt) }
}
