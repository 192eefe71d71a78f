import { type Selectable, sql } from 'kysely'
import type { Principal, Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Webhook } from '../core/model.ts'
import { tables, type WebhookRow } from './tables.ts'

const shown = [
  ...(['id', 'tenant_id', 'url', 'types', 'description', 'failing_since', 'paused_until'] as const),
  ...(['created_by', 'created_at'] as const),
] as const

/** Writes a new webhook with its sealed secret. */
export async function insertWebhook(tx: Tx, webhook: Webhook, secretEnc: Buffer): Promise<void> {
  await tables(tx)
    .insertInto('webhooks')
    .values({
      id: webhook.id,
      tenant_id: webhook.tenantId,
      url: webhook.url,
      types: [...webhook.types],
      description: webhook.description,
      secret_enc: secretEnc,
      failing_since: fromInstant(webhook.failingSince),
      paused_until: fromInstant(webhook.pausedUntil),
      created_by: webhook.createdBy,
      created_at: fromInstant(webhook.createdAt),
    })
    .execute()
}

/**
 * How many webhooks a tenant has, or the platform (null). Until the transaction ends nobody else counts those of the
 * same owner: two that are made at once both count.
 */
export async function countOwned(tx: Tx, tenantId: Uuid | null): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`webhooks of ${tenantId}`}, 0))`.execute(tx)
  const { n } = await tables(tx)
    .selectFrom('webhooks')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where(sql<boolean>`tenant_id is not distinct from ${tenantId}::uuid`)
    .executeTakeFirstOrThrow()
  return n
}

/** One webhook that the caller may see, or null. */
export async function visibleWebhook(db: Db | Tx, scope: Principal['tenants'], id: Uuid): Promise<Webhook | null> {
  const row = await filtered(db, { scope }).select(shown).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : webhookOf(row)
}

/**
 * The same, locked until the transaction ends. Whoever changes which of its deliveries are open takes this lock first, in a
 * statement of its own: what they then see of the deliveries is as the last one left it.
 */
export async function lockWebhook(tx: Tx, id: Uuid, scope: Principal['tenants'] = 'all'): Promise<Webhook | null> {
  const row = await filtered(tx, { scope }).select(shown).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  return row === undefined ? null : webhookOf(row)
}

/** The webhook and its sealed secret; null when it is gone. */
export async function loadWebhook(
  db: Db,
  id: Uuid,
): Promise<{ readonly webhook: Webhook; readonly secretEnc: Buffer } | null> {
  const query = tables(db).selectFrom('webhooks').select(shown).select('secret_enc')
  const row = await query.where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : { webhook: webhookOf(row), secretEnc: row.secret_enc }
}

/** Removes a webhook with its deliveries; false when there is none. */
export async function removeWebhook(tx: Tx, id: Uuid): Promise<boolean> {
  const { numDeletedRows } = await tables(tx).deleteFrom('webhooks').where('id', '=', id).executeTakeFirst()
  return numDeletedRows === 1n
}

/** Notes how the receiver does: since when it fails, and until when it is left alone. The caller has locked the webhook. */
export async function noteReceiver(
  tx: Tx,
  id: Uuid,
  { failingSince, pausedUntil }: Pick<Webhook, 'failingSince' | 'pausedUntil'>,
): Promise<void> {
  await tables(tx)
    .updateTable('webhooks')
    .set({ failing_since: fromInstant(failingSince), paused_until: fromInstant(pausedUntil) })
    .where('id', '=', id)
    .execute()
}

export const webhookOrders = ['createdAt', '-createdAt'] as const

/** What a list of webhooks is narrowed by. `scope`: what the caller may see; those of the platform are for all tenants. */
export type WebhookFilter = {
  readonly scope: Principal['tenants']
  readonly tenantId?: Uuid | undefined
  readonly failing?: boolean | undefined
  readonly q?: string | undefined
}

/** Webhooks of a filter, in an order. */
export async function listWebhooks(
  db: Db,
  filter: WebhookFilter,
  page: Page<(typeof webhookOrders)[number]>,
): Promise<readonly Webhook[]> {
  const rows = await filtered(db, filter).select(shown).$call(onPage('created_at', page)).execute()
  return rows.map(webhookOf)
}

/** How many webhooks a filter has in all. */
export async function countWebhooks(db: Db, filter: WebhookFilter): Promise<number> {
  const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

function filtered(db: Db | Tx, { scope, tenantId, failing, q }: WebhookFilter) {
  let query = tables(db).selectFrom('webhooks')
  if (scope !== 'all') query = query.where('tenant_id', '=', sql<Uuid>`any(${[...scope]}::uuid[])`)
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  if (failing !== undefined) query = query.where('failing_since', failing ? 'is not' : 'is', null)
  return q === undefined ? query : query.where(contains(['url', 'description'], q))
}

function webhookOf(row: Selectable<Omit<WebhookRow, 'secret_enc'>>): Webhook {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    url: row.url,
    types: row.types,
    description: row.description,
    failingSince: toInstant(row.failing_since),
    pausedUntil: toInstant(row.paused_until),
    createdBy: row.created_by,
    createdAt: toInstant(row.created_at),
  }
}
