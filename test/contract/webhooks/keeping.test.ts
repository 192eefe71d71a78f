import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deleteWebhook } from '../../../src/webhooks/commands/delete-webhook.ts'
import { forgetOldDeliveries } from '../../../src/webhooks/index.ts'
import { startReceiver } from './receiver.ts'
import { admin, ended, openWorld, release, type World } from './world.ts'

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
