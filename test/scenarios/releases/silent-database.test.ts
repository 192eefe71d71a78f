import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { addressOf, throughPort } from '../../support/database-address.ts'
import { type SilentProxy, silentProxy } from '../../support/silent-proxy.ts'
import { type Answer, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let database: FreshDatabase
let proxy: SilentProxy
let world: World
beforeAll(async () => {
  database = await freshDatabase()
  proxy = await silentProxy(addressOf(database.url))
  world = await openWorld({ DATABASE_URL: throughPort(database.url, proxy.port) })
})
afterAll(async () => {
  proxy.speak()
  await world?.close()
  await proxy.close()
  await database.close()
})

const neverReady = { valuesOverride: { image: { tag: 'never-ready' } } }
const ready = async () => (await fetch(`${world.flotilla.url}/readyz`)).status

test('while the database takes connections and never answers, requests end with 503; then all goes on', async () => {
  const place = world.place()
  const release = await place.installed()
  // One that runs, and is waited for: its workloads never become ready.
  const waited = place.install({ releaseName: 'held', chartName: 'workload', timeout: 600, ...neverReady })
  const held = await eventually('it waits', async () =>
    (await place.list()).find(({ waitingFor }) => waitingFor?.reason === 'WORKLOADS_NOT_READY'),
  )
  proxy.silence()

  const headers = { 'idempotency-key': randomUUID() }
  const upgrade = () => release.upgrade({ valuesOverride: { word: 'b' } }, headers)
  const asked: Promise<Answer<unknown>>[] = [upgrade(), world.api.get(release.path), world.api.get('/helm/releases')]
  for (let n = 0; n < 20; n++) asked.push(world.api.get('/helm/releases/summary'))
  expect(await ready()).toBe(503)
  for (const answer of await Promise.all(asked)) {
    expect(problem(answer, 503, 'unavailable').detail).toContain('database')
    expect(answer.headers.get('retry-after')).not.toBeNull()
  }
  // Who waits for what was accepted is told where to look.
  const left = await waited
  expect(problem(left, 503, 'unavailable').operationId).toBe(held.currentOperationId)
  expect(left.headers.get('location')).toBe(`/api/v1/operations/${held.currentOperationId}`)

  proxy.speak()
  await eventually('it is ready again', async () => (await ready()) === 200)
  expect((await upgrade()).status).toBe(200)
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
  expect(await place.handle(held).read()).toMatchObject({
    status: 'PENDING_INSTALL',
    currentOperationId: held.currentOperationId,
  })
})
