import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../../src/core/instant.ts'
import { tokenVerifier, type VerifyToken } from '../../../src/infra/oidc/index.ts'
import { audience, type IdentityProvider, openIdentityProvider } from '../../support/identity-provider.ts'

let provider: IdentityProvider
let verify: VerifyToken
let now: number
const clock: Clock = { now: () => now, sleep: () => Promise.resolve() }
beforeAll(async () => {
  provider = await openIdentityProvider([{ clientId: 'ann', claims: { flotilla_role: 'viewer' } }])
})
afterAll(() => provider.close())
beforeEach(() => {
  now = Date.now()
  provider.breakWith(null)
  verify = tokenVerifier({ issuer: provider.issuer, audience }, clock)
})

const seconds = () => Math.floor(now / 1000)
const good = () => ({ iss: provider.issuer, aud: audience, sub: 'ann', exp: seconds() + 60 })
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token of the provider gives its claims', async () => {
  expect(await verify(await provider.token('ann'))).toMatchObject({
    ...{ iss: provider.issuer, sub: 'ann', aud: audience, flotilla_role: 'viewer' },
  })
})

test('a token is signed as the tests of refusals sign it', async () => {
  expect(await verify(await provider.signed(good()))).toMatchObject({ sub: 'ann' })
})

describe('is refused:', () => {
  test.each<[string, () => object]>([
    ['another issuer', () => ({ ...good(), iss: 'https://elsewhere.example' })],
    ['the issuer with a slash more', () => ({ ...good(), iss: `${provider.issuer}/` })],
    ['another audience', () => ({ ...good(), aud: 'another' })],
    ['no audience', () => ({ ...good(), aud: undefined })],
    ['no expiry', () => ({ ...good(), exp: undefined })],
    ['no subject', () => ({ ...good(), sub: undefined })],
    ['expired by more than the skew', () => ({ ...good(), exp: seconds() - 61 })],
    ['not valid yet by more than the skew', () => ({ ...good(), nbf: seconds() + 62 })],
  ])('%s', async (_, payload) => {
    expect(await verify(await provider.signed(payload() as never))).toBeNull()
  })

  test('no signature', async () => {
    expect(await verify(`${part({ alg: 'none' })}.${part(good())}.`)).toBeNull()
  })

  test('the public key taken for a shared secret', async () => {
    const signed = `${part({ alg: 'HS256', kid: provider.publicKey().kid })}.${part(good())}`
    const secret = JSON.stringify(provider.publicKey())
    const signature = createHmac('sha256', secret).update(signed).digest('base64url')
    expect(await verify(`${signed}.${signature}`)).toBeNull()
  })

  test('a payload that was changed', async () => {
    const [header, , signature] = (await provider.signed(good())).split('.')
    expect(await verify(`${header}.${part({ ...good(), sub: 'eve' })}.${signature}`)).toBeNull()
  })

  test.each(['a.b.c', '..', `${part({})}.${part({})}.`])('%s', async (token) => {
    expect(await verify(token)).toBeNull()
  })
})

test('a clock that is 60 s off is allowed for', async () => {
  expect(await verify(await provider.signed({ ...good(), exp: seconds() - 58 }))).not.toBeNull()
  expect(await verify(await provider.signed({ ...good(), nbf: seconds() + 58 }))).not.toBeNull()
})

test('the keys are read once, also for tokens of keys that nobody knows', async () => {
  const before = provider.keyReads()
  await verify(await provider.signed(good()))
  const strange = () => provider.signed(good(), { kid: 'strange' })
  for (let n = 0; n < 5; n += 1) expect(await verify(await strange())).toBeNull()
  expect(provider.keyReads() - before).toBe(1)
})

test('after a rotation, tokens of the new key pass within half a minute and those of the withdrawn one do not', async () => {
  const old = await provider.signed(good())
  expect(await verify(old)).not.toBeNull()
  await provider.rotate()
  const fresh = await provider.signed(good())
  expect(await verify(fresh)).toBeNull()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_001 })
  try {
    expect(await verify(fresh)).not.toBeNull()
    expect(await verify(old)).toBeNull()
  } finally {
    vi.useRealTimers()
  }
})

describe('a provider that', () => {
  test.each<[string, Parameters<IdentityProvider['breakWith']>[0]]>([
    ['answers 500', (_, response) => void response.writeHead(500).end()],
    ['redirects', (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['cuts', (request) => void request.socket.destroy()],
    ['answers no JSON', (_, response) => void response.end('<html>')],
    ['is another', (_, response) => void response.end(JSON.stringify({ issuer: 'https://elsewhere.example' }))],
    ['answers without end', (_, response) => void response.end('x'.repeat(300 * 1024))],
  ])('%s is said to be away, and is asked again later', async (_, listener) => {
    const token = await provider.signed(good())
    provider.breakWith(listener)
    await expect(verify(token)).rejects.toMatchObject({ code: 'unavailable' })
    provider.breakWith(null)
    now += 5_000
    expect(await verify(token)).not.toBeNull()
  })
})
