import { sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import { type Role, roles, type Uuid } from '../../core/subject.ts'
import { contains, type OrderColumn, onPage, type Page, type Place, placeAt } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

/** An API key without anything that could be used as one. */
export type ApiKey = {
  readonly id: Uuid
  readonly name: string
  readonly role: Role
  readonly tenants: readonly Uuid[]
  readonly createdBy: string
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly lastUsedAt: Instant | null
  readonly revokedAt: Instant | null
}
export type StoredKey = ApiKey & { readonly secretHash: Buffer }

const shown = [
  ...(['id', 'name', 'role', 'tenants', 'created_by'] as const),
  ...(['created_at', 'expires_at', 'last_used_at', 'revoked_at'] as const),
] as const

/** Writes a new key. */
export async function insertKey(tx: Tx, key: StoredKey): Promise<void> {
  await tables(tx).insertInto('api_keys').values(rowOf(key)).execute()
}

/**
 * Writes a key that the operator presets. One with the same secret stays as it is, also revoked; another secret
 * replaces the key.
 */
export async function presetKey(tx: Tx, key: StoredKey): Promise<void> {
  const row = rowOf(key)
  await tables(tx)
    .insertInto('api_keys')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(row).where(sql<boolean>`api_keys.secret_hash <> excluded.secret_hash`),
    )
    .execute()
}

/** The key with its hash, or null. */
export async function findKey(db: Db | Tx, id: Uuid): Promise<StoredKey | null> {
  return (await findKeys(db, [id]))[0] ?? null
}

/** Keys with their hashes, in no order; unknown ones are left out. */
export async function findKeys(db: Db | Tx, ids: readonly Uuid[]): Promise<readonly StoredKey[]> {
  const rows = await tables(db)
    .selectFrom('api_keys')
    .select([...shown, 'secret_hash'])
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .execute()
  return rows.map((row) => ({ ...keyOf(row), secretHash: row.secret_hash }))
}

export const keyOrders = ['createdAt', '-createdAt', 'name', '-name'] as const
export type KeyOrder = (typeof keyOrders)[number]

/** What a list of keys is narrowed by. `q` is a part of the name or of who made it. */
export type KeyFilter = { readonly role?: Role | undefined; readonly q?: string | undefined }

/** Keys of a filter, the revoked ones too, in an order. */
export async function listKeys(db: Db, filter: KeyFilter, page: Page<KeyOrder>): Promise<readonly ApiKey[]> {
  const column: OrderColumn = page.order.endsWith('name') ? 'name' : 'created_at'
  const rows = await filtered(db, filter).select(shown).$call(onPage(column, page)).execute()
  return rows.map(keyOf)
}

/** Where a key stands in an order. */
export function placeOfKey(order: KeyOrder, { id, name, createdAt }: ApiKey): Place {
  return order.endsWith('name') ? { value: name, id } : placeAt(createdAt, id)
}

/** How many keys a filter has in all. */
export async function countKeys(db: Db, filter: KeyFilter): Promise<number> {
  const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

function filtered(db: Db, { role, q }: KeyFilter) {
  let query = tables(db).selectFrom('api_keys')
  if (role !== undefined) query = query.where('role', '=', role)
  return q === undefined ? query : query.where(contains(['name', 'created_by'], q))
}

/** Ends a key; false when it had ended. */
export async function markRevoked(tx: Tx, id: Uuid, at: Instant): Promise<boolean> {
  const { numUpdatedRows } = await tables(tx)
    .updateTable('api_keys')
    .set({ revoked_at: fromInstant(at) })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The admin keys that are valid at a moment, locked until the transaction ends: none of them is revoked meanwhile. */
export async function lockAdminKeys(tx: Tx, at: Instant): Promise<readonly Uuid[]> {
  const rows = await tables(tx)
    .selectFrom('api_keys')
    .select('id')
    .where('role', '=', 'platform-admin')
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', fromInstant(at))]))
    .orderBy('id')
    .forUpdate()
    .execute()
  return rows.map((row) => row.id)
}

/** Notes the use of keys; coarse, so that reading does not mean writing. What another one writes meanwhile is as good. */
export async function touchKeys(db: Db, ids: readonly Uuid[], at: Instant): Promise<void> {
  await sql`update api_keys set last_used_at = ${fromInstant(at)} where id in (
    select id from api_keys where id = any(${[...ids]}::uuid[]) order by id for update skip locked)`.execute(db)
}

function rowOf(key: StoredKey) {
  return {
    id: key.id,
    name: key.name,
    secret_hash: key.secretHash,
    role: key.role,
    tenants: [...key.tenants],
    created_by: key.createdBy,
    created_at: fromInstant(key.createdAt),
    expires_at: fromInstant(key.expiresAt),
    last_used_at: fromInstant(key.lastUsedAt),
    revoked_at: fromInstant(key.revokedAt),
  }
}

function keyOf(row: Omit<ReturnType<typeof rowOf>, 'secret_hash' | 'role'> & { role: string }): ApiKey {
  return {
    id: row.id,
    name: row.name,
    role: roleOf(row.role),
    tenants: row.tenants,
    createdBy: row.created_by,
    createdAt: toInstant(row.created_at),
    expiresAt: toInstant(row.expires_at),
    lastUsedAt: toInstant(row.last_used_at),
    revokedAt: toInstant(row.revoked_at),
  }
}

function roleOf(text: string): Role {
  const role = roles.find((each) => each === text)
  if (!role) throw new Error(`an API key has the unknown role ${text}`)
  return role
}
