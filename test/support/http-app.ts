import type { FastifyInstance } from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Principal, Role } from '../../src/core/subject.ts'
import { systemClock } from '../../src/infra/clock.ts'
import type { Db, NoTables } from '../../src/infra/database/types.ts'
import { type AppOptions, buildApp } from '../../src/infra/http/app.ts'
import { createVault, vaultKey } from '../../src/infra/secrets/vault.ts'

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

/** A vault with a key that everybody knows. */
export const testVault = createVault([vaultKey(Buffer.alloc(32, 7))])

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
    clock: systemClock,
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    metricsOpen: false,
    publicHost: null,
    version: '0.0.0',
    signingKey: Buffer.alloc(32, 7),
    vault: testVault,
    checkResponses: true,
    ...options,
  })
}

/** Headers of a caller. */
export const as = (token: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${token}`, ...more })
