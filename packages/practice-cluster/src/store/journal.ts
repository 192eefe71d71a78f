import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { kindOf } from '../resources/custom/kinds.ts'
import { allTypes, qualifiedName, types } from '../resources/table.ts'
import type { Journal } from './store.ts'
import type { Change, KubeObject, StoredRef } from './types.ts'

/** What a journal held when it was opened. */
export type Restored = { readonly version: number; readonly objects: readonly StoredRef[] }

export type OpenJournal = { readonly journal: Journal; readonly restored: Restored; close(): void }

const SCHEMA = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  create table if not exists objects (
    kind text not null, namespace text not null, name text not null, body text not null,
    primary key (kind, namespace, name)
  ) without rowid;
  create table if not exists state (id integer primary key check (id = 1), version integer not null);
`

/**
 * Opens the file that outlives the process. SQLite with a write-ahead log, because a committed write is then with the
 * operating system before `save` returns (a killed process loses nothing, only a machine that loses its power may lose
 * the last moments), one write costs tens of microseconds, and there is no compaction to get wrong.
 */
export function openJournal(file: string): OpenJournal {
  const database = new DatabaseSync(file)
  database.exec(SCHEMA)
  const restored = restore(database)
  return { journal: new SqliteJournal(database), restored, close: () => database.close() }
}

function restore(database: DatabaseSync): Restored {
  const rows = database.prepare('select kind, body from objects').all() as { kind: string; body: string }[]
  const read = rows.map(({ kind, body }) => ({ kind, object: JSON.parse(body) as KubeObject }))
  const definitions = read.filter(({ kind }) => kind === qualifiedName(types.customresourcedefinitions))
  const custom = definitions.map(({ object }) => kindOf(object)).filter((each) => each !== undefined)
  const byName = new Map([...allTypes, ...custom].map((type) => [qualifiedName(type), type]))
  const objects = read.flatMap(({ kind, object }) => {
    const type = byName.get(kind)
    return type === undefined ? [] : [{ type, object }]
  })
  const state = database.prepare('select version from state').get() as { version: number } | undefined
  return { version: state?.version ?? 1, objects }
}

class SqliteJournal implements Journal {
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #state: StatementSync

  constructor(database: DatabaseSync) {
    this.#begin = database.prepare('begin immediate')
    this.#commit = database.prepare('commit')
    this.#rollback = database.prepare('rollback')
    this.#put = database.prepare('insert or replace into objects (kind, namespace, name, body) values (?, ?, ?, ?)')
    this.#remove = database.prepare('delete from objects where kind = ? and namespace = ? and name = ?')
    this.#state = database.prepare('insert or replace into state (id, version) values (1, ?)')
  }

  save({ verb, type, object, version }: Change): void {
    const key = [qualifiedName(type), object.metadata.namespace ?? '', object.metadata.name] as const
    this.#begin.run()
    try {
      if (verb === 'DELETED') this.#remove.run(...key)
      else this.#put.run(...key, JSON.stringify(object))
      this.#state.run(version)
      this.#commit.run()
    } catch (error) {
      this.#rollback.run()
      throw error
    }
  }
}
