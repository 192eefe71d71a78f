import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { broken, fine, hanging, type Receiver, startReceiver } from '../../contract/webhooks/receiver.ts'
import { eventually } from '../support/eventually.ts'
import { type Api, expectStatus, type Release } from './api.ts'
import { openWorld, type Tenant, tenants, type World } from './world.ts'

type Webhook = { readonly id: string; readonly tenantId: string | null; readonly failingSince: string | null }
type Delivery = {
  readonly id: string
  readonly type: string
  readonly status: string
  readonly attempts: number
  readonly seq: number
  readonly subject: { readonly id: string }
  readonly waitingFor: { readonly reason: string; readonly until: string } | null
  readonly redeliveryOf: string | null
}

const secret = 'canary-secret-of-a-webhook'
let world: World
let ofA: Api
const receivers: Receiver[] = []
beforeAll(async () => {
  world = await openWorld({ WEBHOOK_ALLOW: '127.0.0.1' })
  ofA = await world.caller('tenant-operator', ['a'])
})
afterAll(async () => {
  await world?.stop()
  await Promise.all(receivers.map((receiver) => receiver.close()))
})

const receiving = async (answer = fine) => {
  const receiver = await startReceiver(answer)
  receivers.push(receiver)
  return receiver
}
const register = async (api: Api, url: string, of: Tenant = 'a', more: object = {}) =>
  expectStatus(await api.post<Webhook>('/webhooks', { tenantId: tenants[of], url, secret, ...more }), 201)
const deliveriesOf = async (api: Api, { id }: Webhook, query = '') =>
  expectStatus(await api.get<readonly Delivery[]>(`/webhooks/${id}/deliveries${query}`), 200)
const gotOf = (receiver: Receiver, release: Release) =>
  receiver.got.filter(({ event }) => event.subject.id === release.id).map(({ event }) => event)
const installed = (receiver: Receiver, release: Release) =>
  eventually('the install is told', async () =>
    gotOf(receiver, release).some(({ type }) => type === 'release.install.succeeded'),
  )

test('an operator is told of what happens to its tenant, in order, signed, and of nothing else', async () => {
  const receiver = await receiving()
  const hook = await register(ofA, receiver.url)
  const [mine, foreign] = await Promise.all([world.install('a', 'told', '1.2.0'), world.install('b', 'other', '1.2.0')])
  await installed(receiver, mine)
  const events = expectStatus(
    await world.admin.get<{ seq: number }[]>(`/helm/releases/${mine.id}/events?sort=seq`),
    200,
  )
  await eventually('all is told', async () => gotOf(receiver, mine).length >= events.length)
  expect(gotOf(receiver, mine).map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq))
  expect(gotOf(receiver, foreign)).toEqual([])
  for (const { headers, body } of receiver.got) {
    const [, t = '', hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['flotilla-signature'])) ?? []
    expect(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')).toBe(hex)
  }
  const delivered = await eventually('all is noted', async () => {
    const all = await deliveriesOf(ofA, hook, '?status=DELIVERED')
    return all.length === receiver.got.length ? all : null
  })
  expect(new Set(delivered.map(({ id }) => id))).toEqual(
    new Set(receiver.got.map(({ headers }) => headers['flotilla-delivery'])),
  )
})

test('the secret shows nowhere', async () => {
  const receiver = await receiving(broken)
  const hook = await register(ofA, receiver.url)
  await world.install('a', 'secretive', '1.2.0')
  const failing = await eventually('a delivery has failed', async () => {
    // Of one release only the first is tried; several may have been made at the same moment.
    return (await deliveriesOf(ofA, hook)).find(({ attempts }) => attempts > 0) ?? null
  })
  expect(failing.waitingFor).toMatchObject({ reason: 'RETRY', until: expect.any(String) })
  for (const path of ['/webhooks', `/webhooks/${hook.id}`, `/webhooks/${hook.id}/deliveries`, '/events', '/audit']) {
    expect((await world.admin.get(path)).text).not.toContain('canary')
  }
  expect(expectStatus(await ofA.get<Webhook>(`/webhooks/${hook.id}`), 200).failingSince).not.toBeNull()
  receiver.answer = fine
})

test('a receiver that hangs, fails or is not there delays no other, and gets all when it is back', async () => {
  const [slow, bad, good] = [await receiving(hanging), await receiving(broken), await receiving()]
  for (const { url } of [slow, slow, bad]) await register(world.admin, url, 'c')
  const hook = await register(ofA, good.url)
  const [mine, others] = await Promise.all([world.install('a', 'quick', '1.2.0'), world.install('c', 'stuck', '1.2.0')])
  await installed(good, mine)
  expect((await deliveriesOf(ofA, hook)).every(({ attempts }) => attempts <= 1)).toBe(true)
  bad.answer = fine
  await installed(bad, others)
})

test('what was delivered is delivered again by hand, under a key that is used twice once', async () => {
  const receiver = await receiving()
  const hook = await register(ofA, receiver.url, 'a', { types: ['release.install.succeeded'] })
  const release = await world.install('a', 'again', '1.2.0')
  await installed(receiver, release)
  const [first] = await eventually('it is noted', async () => {
    const all = await deliveriesOf(ofA, hook, '?status=DELIVERED')
    return all.length === 1 ? all : null
  })
  const path = `/webhooks/${hook.id}/deliveries/${first?.id}/redeliver`
  const key = { 'idempotency-key': 'once-more' }
  const asked = await Promise.all([ofA.post<Delivery>(path, undefined, key), ofA.post<Delivery>(path, undefined, key)])
  const [one, same] = asked.map((answer) => expectStatus(answer, 202))
  expect(one).toMatchObject({ redeliveryOf: first?.id, type: first?.type })
  expect(same?.id).toBe(one?.id)
  await eventually('it is told again', async () => receiver.got.length === 2)
  expect(receiver.got[1]?.headers['flotilla-delivery']).toBe(one?.id)
  expect(receiver.got[1]?.body).toBe(receiver.got[0]?.body)
})

test('webhooks of another tenant are not found, and those of the platform are for admins', async () => {
  const receiver = await receiving()
  const ofC = await world.caller('tenant-operator', ['c'])
  const [own, all] = [
    await register(ofA, receiver.url),
    expectStatus(await world.admin.post<Webhook>('/webhooks', { url: receiver.url, secret }), 201),
  ]
  expect(all.tenantId).toBeNull()
  for (const [api, hook] of [
    [ofC, own],
    [ofA, all],
  ] as const) {
    expectStatus(await api.get(`/webhooks/${hook.id}`), 404)
    expectStatus(await api.get(`/webhooks/${hook.id}/deliveries`), 404)
    expectStatus(await api.send('DELETE', `/webhooks/${hook.id}`), 404)
    expect((await api.get('/webhooks')).text).not.toContain(hook.id)
  }
  const [a, b] = await Promise.all([world.install('a', 'wide', '1.2.0'), world.install('b', 'wide', '1.2.0')])
  await installed(receiver, a)
  await installed(receiver, b)
  expectStatus(await ofA.send('DELETE', `/webhooks/${own.id}?reason=moved`), 204)
  expectStatus(await ofA.get(`/webhooks/${own.id}`), 404)
  expectStatus(await world.admin.send('DELETE', `/webhooks/${all.id}`), 204)
  const audit = expectStatus(await world.admin.get<{ subject: string; action: string }[]>('/audit?q=webhook'), 200)
  const told = audit.filter(({ subject }) => subject === `webhook/${own.id}`).map(({ action }) => action)
  expect(told).toEqual(['webhook.deleted', 'webhook.created'])
})

test('a server that is killed loses no delivery', async () => {
  const receiver = await receiving(broken)
  const hook = await register(ofA, receiver.url)
  const release = await world.install('a', 'crashing', '1.2.0')
  await eventually('a delivery was tried', async () => receiver.got.length > 0)
  await world.crash()
  receiver.answer = fine
  await installed(receiver, release)
  const events = expectStatus(await world.admin.get<unknown[]>(`/helm/releases/${release.id}/events`), 200)
  await eventually('all is noted', async () => {
    const own = (await deliveriesOf(ofA, hook, '?status=DELIVERED')).filter(({ subject }) => subject.id === release.id)
    return own.length === events.length
  })
})
