import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, types } from 'pg'
import type { Instant } from '../../core/instant.ts'
import type { Log } from '../log.ts'
import { preparing } from './prepared.ts'
import type { Db, NoTables, Tx } from './types.ts'

export type Database = {
  readonly db: Db
  readonly pool: Pool
  readonly url: string
  /** Resolves when the server answers and takes writes, and rejects when it does not in time. */
  ping(): Promise<void>
  /** Waits for the queries under way and closes every connection. */
  close(): Promise<void>
}

export type DatabaseOptions = {
  readonly max: number
  readonly log: Log
  /**
   * A statement that is not answered by then is given up with its connection: a server that takes connections and says
   * nothing must not be waited for. 20 s unless told; null for statements that may take as long as they need, locks too.
   */
  readonly answerWithinMs?: number | null
}

/** Longer than the longest wait for a lock, so that only a silent server is cut off, never one that is busy. */
const answerWithin = 20_000
/** Longer than a stopped process may hold its rows. */
const lockWithin = 15_000

const int8 = 20
const date = 1082

/**
 * Opens a pool of connections. No connection is made before the first query, so a server that is still starting is no
 * error here. A connection that breaks is an error of the query it carried and of nothing else.
 */
export function openDatabase(url: string, options: DatabaseOptions): Database {
  const { answerWithinMs = answerWithin } = options
  const pool = new Pool({
    connectionString: url,
    max: options.max,
    connectionTimeoutMillis: 10_000,
    // A process that is stopped in the middle of a transaction holds its rows: not for longer than a lease.
    idle_in_transaction_session_timeout: 10_000,
    ...(answerWithinMs === null ? {} : { lock_timeout: lockWithin }),
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: { getTypeParser: parserOf },
  })
  let closing = false
  // A pool that ends does not wait for the farewell of its connections: what breaks then is no news.
  const onBroken = (error: Error) =>
    closing || options.log.warn({ error: error.message }, 'A database connection broke')
  pool.on('error', onBroken)
  pool.on('connect', (client) => client.on('error', onBroken))
  const close = () => {
    closing = true
    return db.destroy()
  }
  const db: Db = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool: preparing(pool, answerWithinMs) }) })
  const ping = async () => {
    const { rows } = await sql<{
      read_only: string
    }>`select current_setting('transaction_read_only') as read_only`.execute(db)
    if (rows[0]?.read_only === 'on') throw new Error('the database takes no writes')
  }
  return { db, pool, url, ping, close }
}

/**
 * bigint columns and counts are read as numbers: the ones here are sequence numbers and counts, which stay far below
 * 2^53, and JSON has no bigint. One that does not fit is an error, never a rounded number. A date stays the text that it
 * is: a day has no time zone, and a Date would give it the server's.
 */
const parserOf = ((oid: number, format?: 'text' | 'binary') =>
  (format === 'binary' ? undefined : textParsers.get(oid)) ??
  types.getTypeParser(oid, format)) as typeof types.getTypeParser

const textParsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [int8, toSafeInteger],
  [date, (text) => text],
])

function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a number`)
  return value
}

/** A timestamptz column as an Instant. */
export function toInstant(date: Date): Instant
export function toInstant(date: Date | null): Instant | null
export function toInstant(date: Date | null): Instant | null {
  return date === null ? null : date.getTime()
}

/** An Instant as the parameter of a timestamptz column. */
export function fromInstant(instant: Instant): Date
export function fromInstant(instant: Instant | null): Date | null
export function fromInstant(instant: Instant | null): Date | null {
  return instant === null ? null : new Date(instant)
}

/**
 * The connection broke while COMMIT was under way: the transaction may be there or not. The caller must read back what
 * it wrote (by an id of its own making) before it says so, or does it again.
 */
export class CommitUnknown extends Error {
  override readonly name = 'CommitUnknown'
}

/**
 * Runs the body in one transaction (read committed). What the body throws is thrown, and nothing is written.
 * Throws `CommitUnknown` when the answer to COMMIT was lost.
 */
export async function transaction<T>(db: Db, body: (tx: Tx) => Promise<T>): Promise<T> {
  let failure: { readonly error: unknown } | null = null
  let committing = false
  try {
    return await db.transaction().execute(async (tx) => {
      try {
        const result = await body(tx)
        committing = true
        return result
      } catch (error) {
        failure = { error }
        throw error
      }
    })
  } catch (error) {
    throw explain(failure, committing, error)
  }
}

/** The body's own error comes first: a rollback over a broken connection throws another one that says less. */
function explain(failure: { readonly error: unknown } | null, committing: boolean, error: unknown): unknown {
  if (failure !== null) return failure.error
  return committing && !wasRefused(error) ? new CommitUnknown('The answer to COMMIT was lost', { cause: error }) : error
}

/** True for an error that the server gave as the answer to a statement: it has written nothing. */
export function wasRefused(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && !isShutdown(error)
}

/** A server that is being stopped may say so after it has committed. */
function isShutdown(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('57P')
}
