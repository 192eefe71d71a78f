import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { isAbandoned } from '../../src/infra/database/embedded/lock.ts'
import { findPostmaster, shutDown } from '../../src/infra/database/embedded/postmaster.ts'
import { startEmbeddedPostgres } from '../../src/infra/database/embedded/server.ts'
import { notDurable } from '../../src/infra/database/embedded/settings.ts'
import { migrate } from '../../src/infra/database/migrate.ts'
import { openDatabase } from '../../src/infra/database/pool.ts'
import { silentLog } from '../../src/infra/log.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly databaseServer: DatabaseServer
  }
}

/** The server of a run of the tests, and the migrated database that every test's own is cloned from. */
export type DatabaseServer = { readonly url: string; readonly template: string }

/**
 * Starts one PostgreSQL for a run of the tests and migrates the template. `TEST_DATABASE_URL` names a server to use
 * instead (its user must be allowed to create databases). Vitest calls it once, before all tests, and its result after.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env.TEST_DATABASE_URL
  const server = external === undefined ? await startServer() : { url: external, stop: async () => undefined }
  const template = await makeTemplate(server.url)
  project.provide('databaseServer', { url: server.url, template })
  return async () => {
    await administer(server.url, `drop database if exists ${template} with (force)`)
    await server.stop()
  }
}

const prefix = 'flotilla-database-'

/** A run of the tests that was killed leaves its server behind: the next run removes it. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const own = join(tmpdir(), name, 'postgres')
    if (!isAbandoned(join(own, 'owner'))) continue
    const left = findPostmaster(join(own, 'data'))
    if (left !== null) await shutDown(join(own, 'data'), left.pid)
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

async function startServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  await removeAbandoned()
  const home = mkdtempSync(join(tmpdir(), prefix))
  const server = await startEmbeddedPostgres({ home, log: silentLog, settings: notDurable, revive: false })
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** One template a run: runs that share a server do not meet. */
async function makeTemplate(server: string): Promise<string> {
  const template = `template_${randomUUID().replaceAll('-', '')}`
  await administer(server, `create database ${template}`)
  const { db, close } = openDatabase(databaseUrl(server, template), { max: 1, log: silentLog })
  await migrate(db)
  await close()
  return template
}

/** Runs one statement that concerns databases as a whole. */
export async function administer(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

/** The address of another database on the same server. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
