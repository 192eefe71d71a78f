import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reachOf } from '../infra/net/reach.ts'
import { allowedBy } from './allow.ts'
import { receiverUrl } from './commands/receiver-url.ts'
import type { Webhook } from './core/model.ts'
import { addressesOf, dnsResolve } from './resolve.ts'
import { presentWebhook } from './routes/schemas.ts'
import { signature } from './sign.ts'

describe('what WEBHOOK_ALLOW names', () => {
  test('nothing: public addresses only', () => {
    const allowed = allowedBy([])
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(allowed.permits('hooks.example.com', address)).toBe(reachOf(address) === 'public')
      }),
    )
    expect(allowed.namesHost('127.0.0.1')).toBe(false)
  })

  test('a host: private addresses of that host, link-local ones of none', () => {
    const allowed = allowedBy(['Hooks.internal'])
    expect(allowed.namesHost('hooks.INTERNAL')).toBe(true)
    expect(allowed.permits('hooks.internal', '10.0.0.1')).toBe(true)
    expect(allowed.permits('hooks.internal', '169.254.169.254')).toBe(false)
    expect(allowed.permits('other.internal', '10.0.0.1')).toBe(false)
  })

  test('an address or a range: these of any host', () => {
    const allowed = allowedBy(['127.0.0.1', '10.1.0.0/16', '169.254.7.7', 'fd00::/8'])
    expect(allowed.permits('a', '127.0.0.1')).toBe(true)
    expect(allowed.permits('a', '127.0.0.2')).toBe(false)
    expect(allowed.permits('a', '10.1.255.1')).toBe(true)
    expect(allowed.permits('a', '10.2.0.1')).toBe(false)
    expect(allowed.permits('a', '169.254.7.7')).toBe(true)
    expect(allowed.permits('a', 'fd12::1')).toBe(true)
    expect(allowed.namesHost('[fd12::1]')).toBe(true)
    expect(allowed.namesHost('10.1.2.3')).toBe(true)
  })
})

describe('an address of a receiver', () => {
  const resolving = (...addresses: string[]) => ({
    allowed: allowedBy([]),
    resolve: async () => addresses.map((address) => ({ address, family: 4 })),
  })

  test('is refused when one of several must not be reached, or there is none', async () => {
    const url = new URL('https://hooks.example.com')
    await expect(addressesOf(url, resolving('8.8.8.8', '10.0.0.1'))).rejects.toThrow('not one that webhooks may reach')
    await expect(addressesOf(url, resolving())).rejects.toThrow('not one that webhooks may reach')
    expect(await addressesOf(url, resolving('8.8.8.8'))).toEqual([{ address: '8.8.8.8', family: 4 }])
  })

  test.each([
    ...['https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://[::1]/', 'https://[::ffff:10.0.0.1]/'],
    ...['https://169.254.169.254/latest/meta-data', 'https://[fd00:ec2::254]/', 'https://0.0.0.0/'],
  ])('%s is refused however it is written', async (url) => {
    await expect(receiverUrl(resolving(), url)).rejects.toMatchObject({ code: 'address_not_allowed' })
  })

  test.each(['https://localhost/', 'https://LOCALHOST.:8443/', 'https://a.localhost/'])(
    '%s is loopback without asking anybody, and for whom loopback is allowed',
    async (url) => {
      const nobody = () => Promise.reject(new Error('asked'))
      const [none, loopback] = [allowedBy([]), allowedBy(['127.0.0.1'])]
      const refused = receiverUrl({ allowed: none, resolve: dnsResolve(none, nobody) }, url)
      await expect(refused).rejects.toMatchObject({ code: 'address_not_allowed' })
      const plain = url.replace('https:', 'http:')
      expect((await receiverUrl({ allowed: loopback, resolve: dnsResolve(loopback, nobody) }, plain)).protocol).toBe(
        'http:',
      )
    },
  )

  test.each([
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'hooks.example.com',
    'https://user:word@hooks.example.com/',
    'https://hooks.example.com/#part',
  ])('%s is no URL of a receiver', async (url) => {
    await expect(receiverUrl(resolving('8.8.8.8'), url)).rejects.toMatchObject({ code: 'malformed' })
  })

  test('plain http is for what the operator named; what cannot be resolved now may be later', async () => {
    const parts = { allowed: allowedBy(['127.0.0.1']), resolve: () => Promise.reject(new Error('ENOTFOUND')) }
    expect((await receiverUrl(parts, 'http://127.0.0.1:8080/a')).href).toBe('http://127.0.0.1:8080/a')
    expect((await receiverUrl(parts, 'https://later.example.com')).host).toBe('later.example.com')
  })
})

test('a receiver that failed is waited for until its time, and no longer', () => {
  const webhook: Webhook = {
    ...{ id: 'w', tenantId: null, url: 'https://hooks.example.com/', types: [], description: null },
    ...{ failingSince: 0, pausedUntil: 60_000, createdBy: 'admin', createdAt: 0 },
  }
  const until = '1970-01-01T00:01:00.000Z'
  expect(presentWebhook(webhook, 59_999).waitingFor).toEqual({ reason: 'RECEIVER_FAILING', until })
  expect(presentWebhook(webhook, 60_000)).toMatchObject({ waitingFor: null, failingSince: expect.any(String) })
})

test('a signature holds the time, and covers it', () => {
  const value = signature('secret', '{"a":1}', 1_700_000_000_999)
  const hex = createHmac('sha256', 'secret').update('1700000000.{"a":1}').digest('hex')
  expect(value).toBe(`t=1700000000,v1=${hex}`)
})
