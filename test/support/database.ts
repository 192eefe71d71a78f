import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { type Database, openDatabase } from '../../src/infra/database/pool.ts'
import { silentLog } from '../../src/infra/log.ts'
import { administer, databaseUrl } from './database-server.ts'

/** A database of its own for one test, with the newest schema and nothing in it. */
export type FreshDatabase = Database & { readonly name: string }

/**
 * Clones the migrated template. The caller closes it, which drops it. The server is the one that `database-server.ts`
 * started for this run of the tests.
 */
export async function freshDatabase(options: { readonly max?: number } = {}): Promise<FreshDatabase> {
  return cloneDatabase(inject('databaseServer').template, options.max ?? 5)
}

/** A database of its own without any schema. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return cloneDatabase('template1', 5)
}

async function cloneDatabase(template: string, max: number): Promise<FreshDatabase> {
  const server = inject('databaseServer').url
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(server, `create database ${name} template ${template} strategy file_copy`)
  const database = openDatabase(databaseUrl(server, name), { max, log: silentLog })
  const close = async () => {
    await database.close()
    await administer(server, `drop database if exists ${name} with (force)`)
  }
  return { ...database, name, close }
}
