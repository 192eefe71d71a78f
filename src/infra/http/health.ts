import { z } from 'zod'
import { type FeatureRoutes, route } from './route.ts'

/** One thing that must work before requests make sense. `check` rejects when it does not. */
export type ReadinessCheck = { readonly name: string; check(signal: AbortSignal): Promise<void> }

const checkTimeoutMs = 2000

const health = z.strictObject({ status: z.enum(['ok', 'unavailable']) }).meta({ id: 'Health' })
const readiness = z
  .strictObject({ status: z.enum(['ok', 'unavailable']), checks: z.record(z.string(), z.enum(['ok', 'failing'])) })
  .meta({ id: 'Readiness' })

/** `/healthz`: the process answers. `/readyz`: what it needs answers too; only names are told, never causes. */
export function healthRoutes(checks: readonly ReadinessCheck[]): FeatureRoutes {
  const alive = route({
    method: 'GET',
    url: '/healthz',
    operationId: 'getHealth',
    tags: ['running'],
    summary: 'Whether the process answers',
    permission: { scope: 'public' },
    schema: { responses: { 200: { description: 'It does', schema: health } } },
    handler: async () => ({ status: 'ok' as const }),
  })
  const ready = route({
    method: 'GET',
    url: '/readyz',
    operationId: 'getReadiness',
    tags: ['running'],
    summary: 'Whether everything that is needed answers',
    permission: { scope: 'public' },
    schema: {
      responses: {
        200: { description: 'All checks pass', schema: readiness },
        503: { description: 'A check fails', schema: readiness },
      },
    },
    handler: async ({ reply, request }) => {
      const failed = await runChecks(checks)
      for (const [name, error] of failed) request.log.warn({ check: name, err: error }, 'not ready')
      if (failed.size > 0) reply.code(503)
      const named = checks.map(({ name }) => [name, failed.has(name) ? 'failing' : 'ok'] as const)
      return {
        status: failed.size === 0 ? ('ok' as const) : ('unavailable' as const),
        checks: Object.fromEntries(named),
      }
    },
  })
  return [alive, ready]
}

async function runChecks(checks: readonly ReadinessCheck[]): Promise<ReadonlyMap<string, unknown>> {
  const failed = new Map<string, unknown>()
  await Promise.all(
    checks.map(async ({ name, check }) => {
      const signal = AbortSignal.timeout(checkTimeoutMs)
      const late = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error(`no answer in ${checkTimeoutMs} ms`)), { once: true })
      })
      await Promise.race([check(signal), late]).catch((error: unknown) => failed.set(name, error))
    }),
  )
  return failed
}
