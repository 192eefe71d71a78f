import type { OpenApiDocument, OpenApiOperation } from '../../src/infra/http/openapi.ts'
import { shapeFaults } from './openapi-shape.ts'

/** One question of the walk, and its answer: a server in this process answers it (`inject`), or one far away. */
export type WalkRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload?: object
  readonly query?: Record<string, string>
}
export type WalkAnswer = { readonly statusCode: number; readonly body: string }
export type Walked = { inject(request: WalkRequest): Promise<WalkAnswer> }

/** What the walk needs to ask every operation for something that exists and belongs to a tenant. */
export type WalkSubject = {
  /** A tenant with something of every kind in it. */
  readonly tenantId: string
  /** A tenant-operator's key for another tenant. */
  readonly foreignKey: string
  /** A viewer's key for the tenant. */
  readonly viewerKey: string
  /** Path parameters of the tenant's own things by operation or, for all others, by name. */
  readonly path: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  /** Well-formed bodies that name the tenant's own things, by operation. */
  readonly bodies: Readonly<Record<string, object>>
  /** Required query parameters, by operation. */
  readonly query?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Operations that need no key. Any other without one is a violation. */
  readonly public: readonly string[]
}

type Step = { readonly method: string; readonly path: string; readonly operation: OpenApiOperation }

/**
 * Walks the OpenAPI document of an app and gives what is wrong with it, empty when every operation names a permission,
 * denies a caller without a token, denies another tenant's key, denies a viewer where it writes, and takes no unknown
 * field anywhere in its body.
 */
export async function walkOpenApi(app: Walked, subject: WalkSubject): Promise<readonly string[]> {
  const { body } = await app.inject({ method: 'GET', url: '/openapi.json', headers: {} })
  const document = JSON.parse(body) as OpenApiDocument
  const steps = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const found: string[] = [...duplicateIds(steps), ...shapeFaults(document)]
  for (const step of steps) found.push(...(await violations(app, subject, step)))
  return found
}

function duplicateIds(steps: readonly Step[]): string[] {
  const ids = steps.map(({ operation }) => operation.operationId)
  return ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id}: the operationId is not unique`)
}

async function violations(app: Walked, subject: WalkSubject, step: Step): Promise<string[]> {
  const { operation } = step
  const permission = operation['x-permission']
  if (!permission) return [`${operation.operationId}: has no x-permission`]
  if (permission.scope === 'public')
    return subject.public.includes(operation.operationId) ? [] : [`${operation.operationId}: is public`]
  return [
    ...(await withoutToken(app, subject, step)),
    ...(permission.scope === 'tenant' ? await withForeignKey(app, subject, step) : []),
    ...(step.method === 'GET' ? [] : await withViewerKey(app, subject, step)),
  ]
}

async function withoutToken(app: Walked, subject: WalkSubject, step: Step): Promise<string[]> {
  const answers = [await send(app, subject, step), await send(app, subject, step, 'flo_made_up')]
  return answers.flatMap((answer) => unless(answer.statusCode === 401, step, 'without a valid token', answer))
}

/** Where an id stands in the request it must be denied; a list (a chart has one too) may be answered, without anything of the tenant. */
async function withForeignKey(app: Walked, subject: WalkSubject, step: Step): Promise<string[]> {
  const answer = await send(app, subject, step, subject.foreignKey)
  const named = /\{(?!chart\})/.test(step.path) || step.operation.operationId in subject.bodies
  if (named) return unless([403, 404].includes(answer.statusCode), step, "with another tenant's key", answer)
  const silent = answer.statusCode < 500 && !answer.body.includes(subject.tenantId)
  return unless(silent, step, "with another tenant's key", answer)
}

async function withViewerKey(app: Walked, subject: WalkSubject, step: Step): Promise<string[]> {
  const permission = step.operation['x-permission']
  if (permission.scope !== 'public' && /\.(preview|validate)$/.test(permission.action)) return []
  const answer = await send(app, subject, step, subject.viewerKey)
  return unless(answer.statusCode === 403, step, "with a viewer's key", answer)
}

function unless(holds: boolean, { method, path }: Step, when: string, answer: WalkAnswer): string[] {
  return holds ? [] : [`${method} ${path} ${when}: ${answer.statusCode} ${answer.body.slice(0, 200)}`]
}

async function send(app: Walked, subject: WalkSubject, step: Step, key?: string) {
  const { operationId } = step.operation
  const body = subject.bodies[operationId]
  const request: WalkRequest = {
    method: step.method as WalkRequest['method'],
    url: urlOf(subject, step),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    ...(body ? { payload: body } : {}),
    ...(subject.query?.[operationId] ? { query: { ...subject.query[operationId] } } : {}),
  }
  return app.inject(request)
}

function urlOf({ path }: WalkSubject, { path: pattern, operation }: Step): string {
  return pattern.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const own = path[operation.operationId]
    const value = (typeof own === 'object' ? own[name] : undefined) ?? path[name]
    if (typeof value !== 'string') throw new Error(`${operation.operationId}: give the walk a value for {${name}}`)
    return encodeURIComponent(value)
  })
}
