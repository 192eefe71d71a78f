import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { vi } from 'vitest'
import type { Principal, Subject, Uuid } from '../../../src/core/subject.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { driverOf, startWorker, type Worker } from '../../../src/infra/engine/index.ts'
import { silentLog } from '../../../src/infra/log.ts'
import type { Resolve } from '../../../src/infra/net/reach.ts'
import { allowedBy } from '../../../src/webhooks/allow.ts'
import { createWebhook } from '../../../src/webhooks/commands/create-webhook.ts'
import type { Delivery, Webhook } from '../../../src/webhooks/core/model.ts'
import type { RetryPolicy } from '../../../src/webhooks/core/retry.ts'
import { handOn, httpSend, sinkMachine, type WebhookDeps } from '../../../src/webhooks/index.ts'
import { listDeliveries } from '../../../src/webhooks/store/deliveries.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { createTeller } from '../../support/events.ts'

export const admin: Principal = { id: 'admin', name: 'admin', role: 'platform-admin', tenants: 'all' }
export const secret = 'a-secret-of-the-test'
export const soon = { timeout: 30_000, interval: 10 }

const secrets = {
  seal: (id: Uuid, text: string) => Buffer.from(`${id} ${text}`),
  open: (id: Uuid, sealed: Uint8Array) => Buffer.from(sealed).toString().replace(`${id} `, ''),
}

export type WorldOptions = {
  readonly allow?: readonly string[]
  readonly resolve?: Resolve
  readonly timeoutMs?: number
}

/** A database with webhooks, events, and workers that deliver. */
export type World = {
  readonly database: FreshDatabase
  readonly deps: WebhookDeps
  readonly tenant: Uuid
  readonly otherTenant: Uuid
  webhook(url: string, more?: { readonly tenantId?: Uuid | null; readonly types?: readonly string[] }): Promise<Webhook>
  /** Writes events of a subject, numbers on from what was written, and hands them on. */
  tell(subject: Subject, count: number, of?: { readonly tenantId?: Uuid; readonly type?: string }): Promise<void>
  work(policy?: Partial<RetryPolicy>, stopping?: AbortSignal): Worker
  deliveries(webhook: Webhook): Promise<readonly Delivery[]>
  close(): Promise<void>
}

/** As the real one, only that nobody has to wait. */
const quick: RetryPolicy = {
  ...{ firstMs: 10, longestMs: 40, attempts: 1_000, longestAgeMs: 3_600_000 },
  pause: { firstMs: 1, longestMs: 5 },
}

export const release = (): Subject => ({ kind: 'release', id: randomUUID() })
const noResolve: Resolve = () => Promise.reject(new Error('this test has no names'))

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const database = await freshDatabase({ max: 16 })
  const { db } = database
  const listener: Listener = openListener(database.url, silentLog)
  const allowed = allowedBy(options.allow ?? ['127.0.0.1'])
  const resolve = options.resolve ?? noResolve
  const [tenant, otherTenant] = [await newTenant(database), await newTenant(database)]
  const tenants = { exists: async () => true }
  const deps = { db, clock: systemClock, newId: randomUUID, tenants, secrets, allowed, resolve }
  const send = httpSend({
    allowed,
    resolve,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const tell = createTeller(db, (tx, from, to) => handOn(tx, { from, to }, Date.now()))
  const workers: Worker[] = []
  return {
    database,
    deps,
    tenant,
    otherTenant,
    webhook: (url, { tenantId = tenant, types = [] } = {}) =>
      createWebhook(deps, { principal: admin }, { url, tenantId, types, description: null, secret }, async () => {}),
    tell: (subject, count, { tenantId = tenant, type = 'release.changed' } = {}) =>
      tell({ subject, tenantId, count, type }),
    work: (given = {}, stopping = new AbortController().signal) => {
      const policy = { ...quick, ...given }
      const machine = sinkMachine({ db, clock: systemClock, secrets, send, chance: Math.random, policy, stopping })
      const worker = startWorker({
        ...{ db, listener, drivers: [driverOf(machine)], concurrency: 64, clock: systemClock, log: silentLog },
        ...{ pollMs: 50, takeoverMs: 50, leaseMs: 5_000 },
      })
      workers.push(worker)
      return worker
    },
    deliveries: ({ id }) => listDeliveries(db, { webhookId: id }, { after: null, limit: 1_000, order: 'createdAt' }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
      await listener.close()
      await database.close()
    },
  }
}

async function newTenant({ db }: FreshDatabase): Promise<Uuid> {
  const id = randomUUID()
  await sql`with cluster as (
      insert into clusters (id, name, context, created_at) values (${id}::uuid, ${id}, ${id}, now()) returning id)
    insert into tenants (id, name, cluster_id, created_at) select ${id}::uuid, 'x', id, now() from cluster`.execute(db)
  return id
}

/** Waits until every delivery of a webhook has ended. */
export function ended(world: World, webhook: Webhook, count: number): Promise<readonly Delivery[]> {
  return vi.waitFor(async () => {
    const all = await world.deliveries(webhook)
    const done = all.filter(({ endedAt }) => endedAt !== null)
    if (done.length < count)
      throw new Error(`${done.length} of ${count} have ended: ${JSON.stringify(all.slice(0, 3))}`)
    return all
  }, soon)
}
