import type { FastifyInstance } from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Clock } from '../../src/core/instant.ts'
import type { Principal, Role } from '../../src/core/subject.ts'
import type { Db, NoTables } from '../../src/infra/database/types.ts'
import { type AppOptions, buildApp } from '../../src/infra/http/app.ts'

/** A caller with a role and tenants; the token of the same text stands for it in `appOf`. */
export function principal(
  role: Role,
  tenants: Principal['tenants'] = role === 'platform-admin' ? 'all' : [],
): Principal {
  return { id: `key:${role}`, name: role, role, tenants }
}

const noDatabase: Db = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool: async () => fail() }) })

function fail(): never {
  throw new Error('this test has no database')
}

/** The process's clock. */
export const processClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
}

/**
 * A server with every port filled in: each role's name is a token, everybody may do everything, every answer is held
 * against its schema. Its database answers nothing unless one is given.
 */
export function appOf(options: Partial<AppOptions>): FastifyInstance {
  const tokens: Readonly<Record<string, Principal>> = {
    admin: principal('platform-admin'),
    operator: principal('tenant-operator'),
    viewer: principal('viewer'),
  }
  return buildApp({
    routes: [],
    authenticate: async (token) => tokens[token] ?? null,
    authorize: () => true,
    readiness: [],
    db: noDatabase,
    clock: processClock,
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    metricsOpen: false,
    publicHost: null,
    version: '0.0.0',
    signingKey: Buffer.alloc(32, 7),
    checkResponses: true,
    ...options,
  })
}

/** Headers of a caller. */
export const as = (token: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${token}`, ...more })
