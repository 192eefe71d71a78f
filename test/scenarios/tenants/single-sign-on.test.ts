import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audience, type IdentityProvider, openIdentityProvider } from '../../support/identity-provider.ts'
import { Api, ok, problem } from '../support/api.ts'
import { openWorld, Place, type World } from '../support/world.ts'

const own = randomUUID()
const claims = { flotilla_role: 'tenant-operator', flotilla_tenants: [own] }
let provider: IdentityProvider
let world: World
let theirs: Place
beforeAll(async () => {
  provider = await openIdentityProvider([
    { clientId: 'operator', claims },
    { clientId: 'viewer', claims: { ...claims, flotilla_role: 'viewer' } },
    { clientId: 'admin', claims: { flotilla_role: 'platform-admin' } },
    { clientId: 'nobody', claims: {} },
    { clientId: 'everything', claims: { flotilla_role: 'viewer', flotilla_tenants: ['*'] } },
  ])
  world = await openWorld({ OIDC_ISSUER: provider.issuer, OIDC_AUDIENCE: audience })
  theirs = world.place()
  await theirs.installed()
})
afterAll(async () => {
  await world.close()
  await provider.close()
})

const as = async (clientId: string) => new Api(world.flotilla.url, await provider.token(clientId))
const ownPlace = async (clientId: string) => new Place(await as(clientId), own)

test('an admin, an operator and a viewer do what their roles hold, in their tenants only', async () => {
  ok(await (await ownPlace('admin')).install(), 201)
  const release = ok(await (await ownPlace('operator')).install({ releaseName: 'second' }), 201)
  expect(release).toMatchObject({ performedBy: `${provider.issuer}|operator` })
  problem(await (await ownPlace('viewer')).install({ releaseName: 'third' }), 403, 'forbidden')
  expect(await (await ownPlace('viewer')).list()).toHaveLength(2)
  problem(await theirs.at(await as('operator')).install({ releaseName: 'x' }), 404, 'not_found')
  expect(ok(await (await as('everything')).get('/helm/releases'))).toEqual([])
})

test('a valid token without a role is told so, and an API key goes on working', async () => {
  problem(await (await as('nobody')).get('/helm/releases'), 403, 'forbidden')
  ok(await world.api.get('/helm/releases'))
})

test('while the provider is away, tokens of known keys and API keys go on working', async () => {
  const viewer = await as('viewer')
  ok(await viewer.get('/helm/releases'))
  provider.breakWith((request) => void request.socket.destroy())
  ok(await viewer.get('/helm/releases'))
  ok(await world.api.get('/helm/releases'))
  provider.breakWith(null)
})

test('a stream ends when its token does', async () => {
  const release = await theirs.installed({ releaseName: 'watched' })
  const exp = Math.floor(Date.now() / 1000) - 57
  const claims = { iss: provider.issuer, aud: audience, sub: 'brief', exp, flotilla_role: 'platform-admin' }
  const brief = new Api(world.flotilla.url, await provider.signed(claims))
  const headers = { accept: 'text/event-stream' }
  const answer = await brief.raw('GET', `/helm/releases/${release.id}/events`, { headers })
  expect(answer.status).toBe(200)
  await answer.text()
  expect(Date.now() / 1000).toBeGreaterThan(exp + 60)
  problem(await brief.get('/helm/releases'), 401, 'unauthenticated')
})
