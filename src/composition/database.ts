import { type Config, ConfigError } from '../config.ts'
import { FolderUnusable } from '../infra/database/embedded/folders.ts'
import { FolderInUse } from '../infra/database/embedded/lock.ts'
import { startEmbeddedPostgres } from '../infra/database/embedded/server.ts'
import { UnknownUser } from '../infra/database/embedded/user.ts'
import { type Listener, openListener } from '../infra/database/listen.ts'
import { migrate } from '../infra/database/migrate.ts'
import { type Database, openDatabase } from '../infra/database/pool.ts'
import type { Log } from '../infra/log.ts'
import { dependsOn } from './settings.ts'
import type { Stops } from './stops.ts'

export type Storage = { readonly database: Database; readonly listener: Listener }

/** Connections of one process: an operation holds one for moments only, never while helm runs. */
const connections = 16

/** Where the database is: what `DATABASE_URL` says, else the embedded one, which is started. */
export async function databaseUrl(config: Config, log: Log, stops: Stops): Promise<string> {
  if (config.databaseUrl !== null) return config.databaseUrl
  const server = await startEmbeddedPostgres({ home: config.home, log }).catch(refuseHome)
  stops.add('embedded PostgreSQL', () => server.stop())
  return server.url
}

/** A data folder that is in use, or not as it was left, and a nameless user are matters of one line for the person who starts. */
function refuseHome(error: unknown): never {
  if (error instanceof UnknownUser) throw new ConfigError(error.message)
  const told = error instanceof FolderInUse || error instanceof FolderUnusable
  throw told ? new ConfigError(`FLOTILLA_HOME: ${error.message}`) : error
}

/** Opens the database and brings its schema up to date. */
export async function openStorage(config: Config, log: Log, stops: Stops): Promise<Storage> {
  const url = await databaseUrl(config, log, stops)
  const applied = await dependsOn([config.databaseUrl !== null && 'DATABASE_URL'], () => migrated(url, log))
  if (applied.length > 0) log.info({ migrations: applied }, 'schema brought up to date')
  const database = openDatabase(url, { max: connections, log })
  stops.add('database pool', () => database.close())
  const listener = openListener(url, log)
  stops.add('database listener', () => listener.close())
  return { database, listener }
}

/** A step of the schema may take as long as its tables are large, and a process that waits for another one's as well. */
async function migrated(url: string, log: Log): Promise<readonly string[]> {
  const { db, close } = openDatabase(url, { max: 2, log, answerWithinMs: null })
  return migrate(db).finally(close)
}
