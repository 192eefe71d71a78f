import { type ColumnType, type Expression, type Kysely, type SqlBool, sql } from 'kysely'
import type { SealedColumn } from '../../database/reseal.ts'
import type { Db, Tx } from '../../database/types.ts'
import type { Vault } from '../../secrets/vault.ts'
import { isAcceptance, judgeKey, type KeyRow, type KeyState, type StoredOutcome } from './judge.ts'
import type { StoredAnswer } from './keyed-request.ts'

/** What a key belongs to. */
export type KeyScope = {
  readonly principal: string
  readonly method: string
  readonly path: string
  readonly key: string
}

/** The right to run the request of a key. It ends by itself when it is not renewed: a crashed server holds no key. */
export type Claim = KeyScope & { readonly claim: string }

/** An outcome as it is stored. Its answer may show values of a release: it is sealed, as base64. */
type SealedOutcome = Omit<StoredOutcome, 'answer'> & { readonly answer: string }

type Table = {
  principal: string
  method: string
  path: string
  key: string
  body_hash: Buffer
  claim: string
  locked_until: Date
  operation_id: string | null
  response: ColumnType<SealedOutcome | null, string | null, string | null>
  created_at: Date
  expires_at: Date
}

const tables = (db: Db | Tx) => (db as Kysely<unknown>).withTables<{ idempotency: Table }>()
const inSeconds = (seconds: number) => sql<Date>`now() + make_interval(secs => ${seconds})`

/** What a sealed answer belongs to: one that was moved to another key does not open there. */
const sealedAs = ({ principal, method, path, key }: KeyScope) => `idempotency:${principal} ${method} ${path} ${key}`

/** Where answers are kept sealed. */
export const sealedAnswers: SealedColumn = {
  table: 'idempotency',
  key: ['principal', 'method', 'path', 'key'],
  column: 'response',
  form: { json: 'answer' },
  context: (row) => sealedAs(row as KeyScope),
}

/** How long a claim lasts without being renewed. */
export const claimSeconds = 15
const keptSeconds = 24 * 3600

/** The keys of all servers, in the database and by its clock. */
export class IdempotencyKeys {
  readonly #db: Db
  readonly #vault: Vault

  constructor(db: Db, vault: Vault) {
    this.#db = db
    this.#vault = vault
  }

  /**
   * Claims a key that is new, was kept for 24 hours, or whose claim ended without an outcome; otherwise tells what is
   * known of it. Of any number at once, one gets the claim.
   */
  async claim(scope: KeyScope, bodyHash: Buffer, claim: string): Promise<KeyState<Claim>> {
    const fresh = {
      body_hash: bodyHash,
      claim,
      locked_until: inSeconds(claimSeconds),
      operation_id: null,
      response: null,
      created_at: sql<Date>`now()`,
      expires_at: inSeconds(keptSeconds),
    }
    const claimed = await tables(this.#db)
      .insertInto('idempotency')
      .values({ ...scope, ...fresh })
      .onConflict((conflict) =>
        conflict
          .columns(['principal', 'method', 'path', 'key'])
          .doUpdateSet(fresh)
          .where(free as Expression<SqlBool>),
      )
      .returning('claim')
      .executeTakeFirst()
    return claimed ? { kind: 'claimed', claim: { ...scope, claim } } : this.#read(scope, bodyHash)
  }

  /** Keeps a claim alive. */
  async renew(claim: Claim): Promise<void> {
    await this.#change(this.#db, claim, { locked_until: inSeconds(claimSeconds) })
  }

  /** Records the operation in the caller's transaction. False when the claim was lost. */
  async bind(tx: Tx, claim: Claim, operationId: string): Promise<boolean> {
    return this.#change(tx, claim, { operation_id: operationId })
  }

  /**
   * Records an answer; false, and nothing, where the claim was lost. Of an accepted operation only what it came to: that it
   * was accepted is told by the operation.
   */
  async complete(db: Db | Tx, claim: Claim, outcome: StoredOutcome): Promise<boolean> {
    const response = JSON.stringify(this.#seal(claim, outcome))
    return this.#change(db, claim, { response }, isAcceptance(outcome.answer) ? 'unbound' : 'any')
  }

  /** Gives back a claim that came to no outcome, so that the next request runs. A bound operation stays. */
  async release(claim: Claim): Promise<void> {
    await tables(this.#db)
      .deleteFrom('idempotency')
      .where((eb) => eb.and({ ...claim }))
      .where('operation_id', 'is', null)
      .where('response', 'is', null)
      .execute()
  }

  /** Forgets the keys whose time is over; gives their number. */
  async purge(): Promise<number> {
    const { numDeletedRows } = await tables(this.#db)
      .deleteFrom('idempotency')
      .where('expires_at', '<=', sql<Date>`now()`)
      .executeTakeFirst()
    return Number(numDeletedRows)
  }

  /** Changes the row of a claim that is still held and has no answer, nor an operation if so said; tells whether it was. */
  async #change(
    db: Db | Tx,
    claim: Claim,
    change: { locked_until: Expression<Date> } | { operation_id: string } | { response: string },
    of: 'unbound' | 'any' = 'unbound',
  ): Promise<boolean> {
    const { numUpdatedRows } = await tables(db)
      .updateTable('idempotency')
      .set(change)
      .where((eb) => eb.and({ ...claim }))
      .$if(of === 'unbound', (query) => query.where('operation_id', 'is', null))
      .where('response', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  async #read(scope: KeyScope, bodyHash: Buffer): Promise<KeyState<Claim>> {
    const row = await tables(this.#db)
      .selectFrom('idempotency')
      .select(['body_hash', 'operation_id', 'response'])
      .where((eb) => eb.and({ ...scope }))
      .executeTakeFirst()
    const known: KeyRow | undefined = row && { ...row, response: row.response && this.#open(scope, row.response) }
    return judgeKey(known, bodyHash)
  }

  #seal(scope: KeyScope, { answer, tenants }: StoredOutcome): SealedOutcome {
    return { answer: this.#vault.seal(answer, sealedAs(scope)).toString('base64'), tenants }
  }

  #open(scope: KeyScope, { answer, tenants }: SealedOutcome): StoredOutcome {
    return { answer: this.#vault.open(Buffer.from(answer, 'base64'), sealedAs(scope)) as StoredAnswer, tenants }
  }
}

/** Expired, or abandoned by the same request without an outcome. */
const free = sql<SqlBool>`idempotency.expires_at <= now() or (
  idempotency.locked_until <= now() and idempotency.body_hash = excluded.body_hash
  and idempotency.operation_id is null and idempotency.response is null)`
