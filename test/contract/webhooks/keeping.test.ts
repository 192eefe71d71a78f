import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { deleteWebhook } from '../../../src/webhooks/commands/delete-webhook.ts'
import { forgetOldDeliveries } from '../../../src/webhooks/index.ts'
import { startReceiver } from './receiver.ts'
import { admin, ended, openWorld, release, soon, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const url = 'http://127.0.0.1:9/'

it('a tenant has at most 20, however many are made at once, and another is not concerned', async () => {
  const made = await Promise.allSettled(Array.from({ length: 25 }, () => world.webhook(url)))
  const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  expect(refused).toHaveLength(5)
  for (const problem of refused) expect(problem).toMatchObject({ code: 'too_many_requests', status: 429 })
  await world.webhook(url, { tenantId: world.otherTenant })
  await world.webhook(url, { tenantId: null })
  const [first] = made
  if (first?.status === 'fulfilled') await deleteWebhook(world.deps, { principal: admin }, first.value.id)
  await world.webhook(url)
})

it('a webhook that two delete at the same moment is deleted once: the other learns that there is none', async () => {
  const hook = await world.webhook(url)
  const { db } = world.database
  const both = await transaction(db, async (tx) => {
    await sql`select from webhooks where id = ${hook.id} for update`.execute(tx)
    const deleting = [1, 2].map(() => deleteWebhook(world.deps, { principal: admin }, hook.id))
    await vi.waitFor(async () => expect(await waitingForLocks()).toBe(2), soon)
    return { settled: Promise.allSettled(deleting) }
  })
  const settled = await both.settled
  expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'not_found' } })
  const { rows } = await sql`select from audit where action = 'webhook.deleted'`.execute(db)
  expect(rows).toHaveLength(1)
})

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(world.database.db)
  return rows[0]?.n ?? 0
}

it('deliveries are kept 7 days', async () => {
  const hook = await world.webhook(url)
  await world.tell(release(), 3)
  const day = 24 * 60 * 60 * 1000
  await forgetOldDeliveries(world.database.db, Date.now() + 6.9 * day)
  expect(await world.deliveries(hook)).toHaveLength(3)
  await forgetOldDeliveries(world.database.db, Date.now() + 7.1 * day)
  expect(await world.deliveries(hook)).toEqual([])
})

it('what waits behind a delivery that goes is next', async () => {
  const receiver = await startReceiver()
  const hook = await world.webhook(receiver.url)
  const subject = release()
  await world.tell(subject, 2)
  const day = 24 * 60 * 60 * 1000
  await sql`update webhook_deliveries set created_at = ${new Date(Date.now() - 8 * day)} where seq = 1`.execute(
    world.database.db,
  )
  await forgetOldDeliveries(world.database.db, Date.now())
  world.work()
  expect(await ended(world, hook, 1)).toMatchObject([{ seq: 2, status: 'DELIVERED' }])
  await receiver.close()
})

it('a webhook that is deleted while events are handed on does not hold them up', async () => {
  const hooks = await Promise.all(Array.from({ length: 10 }, () => world.webhook(url)))
  const telling = Promise.all(
    Array.from({ length: 20 }, () => world.tell(release(), 2).catch((error: unknown) => error)),
  )
  await Promise.all(hooks.map(({ id }) => deleteWebhook(world.deps, { principal: admin }, id)))
  expect((await telling).filter((one) => one instanceof Error)).toEqual([])
  const { rows } = await sql<{ n: number }>`select count(*) as n from events where feed_seq is null`.execute(
    world.database.db,
  )
  expect(rows[0]?.n).toBe(0)
})
