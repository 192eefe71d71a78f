import type { Kysely, Transaction } from 'kysely'

/**
 * The database as infra knows it: without tables. A store names the tables it uses with `withTables<…>()`,
 * so that no module can reach another's tables by accident.
 */
export type NoTables = Record<never, never>
export type Db = Kysely<NoTables>
export type Tx = Transaction<NoTables>
