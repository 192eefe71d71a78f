import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Subject } from '../../../src/core/subject.ts'
import { deleteWebhook } from '../../../src/webhooks/commands/delete-webhook.ts'
import { redeliver } from '../../../src/webhooks/commands/redeliver.ts'
import { broken, fine, hanging, type Received, type Receiver, startReceiver } from './receiver.ts'
import { admin, ended, openWorld, release, secret, soon, type World, type WorldOptions } from './world.ts'

let world: World
const receivers: Receiver[] = []
afterEach(async () => {
  await world?.close()
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})

const open = async (options?: WorldOptions) => {
  world = await openWorld(options)
  return world
}
const receiving = async (answer = fine) => {
  const receiver = await startReceiver(answer)
  receivers.push(receiver)
  return receiver
}
/** The numbers that a receiver got of a subject, each when it came first. */
const seqsOf = (got: readonly Received[], subject: Subject) => [
  ...new Set(got.filter(({ event }) => event.subject.id === subject.id).map(({ event }) => event.seq)),
]

describe('a webhook', () => {
  it('gets the event signed, and the delivery says so', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving()]
    const hook = await webhook(receiver.url)
    const subject = release()
    await tell(subject, 1)
    work()
    const [delivery] = await ended(world, hook, 1)
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempts: 1, lastStatus: 204, lastError: null, dueAt: null })
    const [got] = receiver.got
    expect(got?.event).toMatchObject({
      id: delivery?.eventId,
      type: 'release.changed',
      subject,
      tenantId: world.tenant,
    })
    expect(got?.headers).toMatchObject({ 'flotilla-delivery': delivery?.id, 'flotilla-event': 'release.changed' })
    const [, t = '', hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(got?.headers['flotilla-signature'])) ?? []
    expect(createHmac('sha256', secret).update(`${t}.${got?.body}`).digest('hex')).toBe(hex)
    expect(Math.abs(Date.now() / 1000 - Number(t))).toBeLessThan(300)
  })

  it('is told of what its tenant may know and it asked for, and of nothing from before', async () => {
    const [{ tell, webhook, otherTenant }, receiver] = [await open(), await receiving()]
    await tell(release(), 1)
    const [mine, starts, all] = [
      await webhook(receiver.url),
      await webhook(receiver.url, { types: ['release.upgrade', 'execution'] }),
      await webhook(receiver.url, { tenantId: null }),
    ]
    await tell(release(), 1, { type: 'release.upgrade.started' })
    await tell(release(), 1, { type: 'release.upgrades' })
    await tell(release(), 1, { type: 'execution', tenantId: otherTenant })
    const types = async (of: typeof mine) => (await world.deliveries(of)).map(({ type }) => type)
    expect(await types(mine)).toEqual(['release.upgrade.started', 'release.upgrades'])
    expect(await types(starts)).toEqual(['release.upgrade.started'])
    expect(await types(all)).toEqual(['release.upgrade.started', 'release.upgrades', 'execution'])
  })

  it('gets every event, in the order of each subject, whatever fails in between', async () => {
    await open()
    const receiver = await receiving()
    world.work()
    const told = fc.array(fc.record({ of: fc.nat(3), count: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength: 8,
    })
    const faults = fc.infiniteStream(fc.constantFrom('fine', 'fine', 'broken', 'cut'))
    await fc.assert(
      fc.asyncProperty(told, faults, async (steps, chances) => {
        receiver.answer = (got, response) => {
          const { value } = chances.next()
          if (value === 'fine') accepted.push(got)
          if (value === 'cut') response.socket?.destroy()
          else (value === 'fine' ? fine : broken)(got, response)
        }
        const accepted: Received[] = []
        const subjects = [0, 1, 2, 3].map(release)
        const hook = await world.webhook(receiver.url)
        for (const { of, count } of steps) await world.tell(subjects[of] ?? release(), count)
        const count = steps.reduce((sum, step) => sum + step.count, 0)
        expect((await ended(world, hook, count)).every(({ status }) => status === 'DELIVERED')).toBe(true)
        for (const [n, subject] of subjects.entries()) {
          const expected = steps.filter(({ of }) => of === n).reduce((sum, step) => sum + step.count, 0)
          expect(seqsOf(accepted, subject)).toEqual(Array.from({ length: expected }, (_, seq) => seq + 1))
        }
        await deleteWebhook(world.deps, { principal: admin }, hook.id)
      }),
      { numRuns: 8 },
    )
  })

  it('gets what comes while it is told, and nothing is left waiting behind what has ended', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving()]
    const hook = await webhook(receiver.url)
    const subject = release()
    work()
    for (let n = 0; n < 150; n++) await tell(subject, 1)
    const all = await ended(world, hook, 150)
    expect(all.every(({ status, attempts }) => status === 'DELIVERED' && attempts === 1)).toBe(true)
    expect(receiver.got.map(({ event }) => event.seq)).toEqual(all.map((_, n) => n + 1))
  })

  it('that is slow, down or broken delays no other', async () => {
    await open({ timeoutMs: 60_000 })
    const [slow, bad, good] = [await receiving(hanging), await receiving(broken), await receiving()]
    const closed = await receiving()
    await closed.close()
    const hooks = await Promise.all([slow, slow, bad, closed].map(({ url }) => world.webhook(url)))
    const other = await world.webhook(good.url)
    for (let n = 0; n < 20; n++) await world.tell(release(), 2)
    world.work()
    const all = await ended(world, other, 40)
    expect(all.every(({ status, attempts }) => status === 'DELIVERED' && attempts === 1)).toBe(true)
    for (const hook of hooks) {
      expect((await world.deliveries(hook)).some(({ status }) => status === 'DELIVERED')).toBe(false)
    }
  })

  it('that refuses one event gets those of other subjects, and goes on with the next when that one is given up', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving()]
    const [poisoned, other] = [release(), release()]
    receiver.answer = (got, response) =>
      (got.event.subject.id === poisoned.id && got.event.seq === 1 ? broken : fine)(got, response)
    const hook = await webhook(receiver.url)
    await tell(poisoned, 2)
    await tell(other, 3)
    work({ firstMs: 5, longestMs: 10, attempts: 4 })
    const all = await ended(world, hook, 5)
    const failed = all.filter(({ status }) => status === 'FAILED')
    expect(failed).toMatchObject([{ seq: 1, attempts: 4, lastStatus: 500, lastError: 'answered 500' }])
    expect(seqsOf(receiver.got, other)).toEqual([1, 2, 3])
    expect(seqsOf(receiver.got, poisoned)).toEqual([1, 2])
    receiver.answer = fine
    const ids = { webhookId: hook.id, deliveryId: failed[0]?.id ?? '' }
    const again = await redeliver(world.deps, { principal: admin }, ids, async () => {})
    expect(again).toMatchObject({ redeliveryOf: failed[0]?.id, eventId: failed[0]?.eventId, status: 'PENDING' })
    const then = await ended(world, hook, 6)
    expect(then.find(({ id }) => id === again.id)).toMatchObject({ status: 'DELIVERED' })
  })

  it('is tried again with the same id when the worker went before it knew', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving(hanging)]
    const hook = await webhook(receiver.url)
    await tell(release(), 1)
    const first = work()
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), soon)
    await first.stop()
    receiver.answer = fine
    work()
    expect(await ended(world, hook, 1)).toMatchObject([{ status: 'DELIVERED', attempts: 1 }])
    expect(new Set(receiver.got.map(({ headers }) => headers['flotilla-delivery'])).size).toBe(1)
  })

  it('that hangs does not hold up the stop of a worker, and that counts as no try', async () => {
    const [{ work, tell, webhook }, receiver] = [await open({ timeoutMs: 600_000 }), await receiving(hanging)]
    const hook = await webhook(receiver.url)
    await tell(release(), 1)
    const stopping = new AbortController()
    const worker = work(undefined, stopping.signal)
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), soon)
    stopping.abort()
    await worker.stop({ graceMs: 600_000 })
    expect(await world.deliveries(hook)).toMatchObject([{ status: 'PENDING', attempts: 0 }])
  })

  it('that fails is left alone for a while, and not tried by each of its deliveries', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving(broken)]
    const hook = await webhook(receiver.url)
    for (let n = 0; n < 30; n++) await tell(release(), 1)
    const pause = { firstMs: 3_600_000, longestMs: 3_600_000 }
    const worker = work({ pause })
    await vi.waitFor(() => expect(receiver.got.length).toBeGreaterThan(0), soon)
    await worker.idle()
    expect(receiver.got.length).toBeLessThanOrEqual(8)
    receiver.answer = fine
    const [first] = await world.deliveries(hook)
    await redeliver(
      world.deps,
      { principal: admin },
      { webhookId: hook.id, deliveryId: first?.id ?? '' },
      async () => {},
    )
    await ended(world, hook, 30)
  })

  it('that waits for its next try is tried at once by hand', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving(broken)]
    const hook = await webhook(receiver.url)
    await tell(release(), 1)
    work({ firstMs: 3_600_000, longestMs: 3_600_000, attempts: 9 })
    const waiting = await vi.waitFor(async () => {
      const [one] = await world.deliveries(hook)
      expect(one?.attempts).toBe(1)
      return one
    }, soon)
    receiver.answer = fine
    await redeliver(
      world.deps,
      { principal: admin },
      { webhookId: hook.id, deliveryId: waiting?.id ?? '' },
      async () => {},
    )
    expect(await ended(world, hook, 1)).toMatchObject([{ id: waiting?.id, status: 'DELIVERED', attempts: 2 }])
  })

  it('gets one that waits behind another after that one, which is tried at once by hand', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving(broken)]
    const hook = await webhook(receiver.url)
    await tell(release(), 3)
    work({ firstMs: 3_600_000, longestMs: 3_600_000, attempts: 9 })
    const all = await vi.waitFor(async () => {
      const some = await world.deliveries(hook)
      expect(some.map(({ attempts }) => attempts)).toContain(1)
      return some.toSorted((one, other) => one.seq - other.seq)
    }, soon)
    receiver.answer = fine
    const ids = { webhookId: hook.id, deliveryId: all[1]?.id ?? '' }
    const asked = await redeliver(world.deps, { principal: admin }, ids, async () => {})
    expect(asked).toMatchObject({ id: all[1]?.id, status: 'PENDING', dueAt: null })
    expect((await ended(world, hook, 3)).every(({ status }) => status === 'DELIVERED')).toBe(true)
    expect(receiver.got.map(({ event }) => event.seq)).toEqual([1, 1, 2, 3])
  })

  it('that is deleted while it is told gets no more, and leaves nothing', async () => {
    const [{ work, tell, webhook }, receiver] = [await open(), await receiving(hanging)]
    const hook = await webhook(receiver.url)
    await tell(release(), 5)
    const worker = work()
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), soon)
    await deleteWebhook(world.deps, { principal: admin }, hook.id)
    await worker.stop()
    work()
    await tell(release(), 1)
    await worker.idle()
    expect(await world.deliveries(hook)).toEqual([])
    expect(receiver.got).toHaveLength(1)
  })
})

describe('an answer', () => {
  const once = async (receiver: Receiver, options: WorldOptions = {}) => {
    await open(options)
    const hook = await world.webhook(receiver.url)
    await world.tell(release(), 1)
    world.work({ firstMs: 1, longestMs: 1, attempts: 1 })
    const [delivery] = await ended(world, hook, 1)
    return delivery
  }

  it('that sends elsewhere is not followed', async () => {
    const other = await receiving()
    for (const status of [301, 302, 307, 308]) {
      const receiver = await receiving((_, response) => void response.writeHead(status, { location: other.url }).end())
      expect(await once(receiver)).toMatchObject({ status: 'FAILED', lastStatus: status })
      await world.close()
    }
    await open()
    expect(other.got).toEqual([])
  })

  it('without an end is taken by its status', async () => {
    const receiver = await receiving((_, response) => {
      response.writeHead(200)
      response.on('drain', () => response.write('x'.repeat(65_536)))
      response.write('x'.repeat(1_000_000))
    })
    expect(await once(receiver)).toMatchObject({ status: 'DELIVERED', lastStatus: 200 })
  })

  it('that does not come is waited for so long and no longer', async () => {
    const delivery = await once(await receiving(hanging), { timeoutMs: 100 })
    expect(delivery).toMatchObject({ status: 'FAILED', lastStatus: null, lastError: 'no answer in time' })
  })

  it('says nothing of what the receiver said', async () => {
    const receiver = await receiving((_, response) => {
      response.socket?.end('HTTP/1.1 canary canary\r\ncanary: canary\r\n\r\n')
    })
    expect(JSON.stringify(await once(receiver))).not.toContain('canary')
  })
})

describe('an address', () => {
  const at = (address: string) => [{ address, family: 4 }]

  it('that was allowed when the webhook was made and is not any more gets no connection', async () => {
    const receiver = await receiving()
    let asked = 0
    await open({ allow: [], resolve: async () => at(asked++ === 0 ? '93.184.216.34' : '127.0.0.1') })
    const hook = await world.webhook(`https://rebinding.example.com:${receiver.port}/`)
    await world.tell(release(), 1)
    world.work({ firstMs: 1, longestMs: 1, attempts: 3 })
    expect(await ended(world, hook, 1)).toMatchObject([
      { status: 'FAILED', lastStatus: null, lastError: 'the address is not one that webhooks may reach' },
    ])
    expect(receiver.got).toEqual([])
  })

  it('is looked up once a try, and what was checked is what is connected to', async () => {
    const receiver = await receiving()
    let asked = 0
    await open({
      allow: ['hooks.invalid'],
      resolve: async () => {
        asked++
        return at('127.0.0.1')
      },
    })
    const hook = await world.webhook(`http://hooks.invalid:${receiver.port}/`)
    await world.tell(release(), 1)
    world.work()
    await ended(world, hook, 1)
    expect(receiver.got[0]?.headers.host).toBe(`hooks.invalid:${receiver.port}`)
    expect(asked).toBe(2)
  })

  it('that takes for ever to be found counts as no answer', async () => {
    await open({ allow: ['hooks.invalid'], resolve: () => new Promise(() => {}), timeoutMs: 50 })
    const deps = { ...world.deps, resolve: async () => at('127.0.0.1') }
    const made = await openWebhookWith(deps)
    await world.tell(release(), 1)
    world.work({ firstMs: 1, longestMs: 1, attempts: 1 })
    expect(await ended(world, made, 1)).toMatchObject([{ status: 'FAILED', lastError: 'no answer in time' }])
  })
})

async function openWebhookWith(deps: World['deps']) {
  const { createWebhook } = await import('../../../src/webhooks/commands/create-webhook.ts')
  const wanted = { url: 'http://hooks.invalid/', tenantId: world.tenant, types: [], description: null, secret }
  return createWebhook(deps, { principal: admin }, wanted, async () => {})
}
