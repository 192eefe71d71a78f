import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Api, expectStatus, type Problem, type Release } from './api.ts'
import { eventsOf, type StreamedEvent } from './stream.ts'
import { later, openWorld, tenants, type World } from './world.ts'

type FeedEvent = {
  readonly id: string
  readonly position: number
  readonly seq: number
  readonly type: string
  readonly tenantId: string | null
  readonly subject: { readonly kind: string; readonly id: string }
}

let world: World
let ofA: Api
let mine: Release
let foreign: Release
beforeAll(async () => {
  world = await openWorld()
  ofA = await world.caller('viewer', ['a'])
  ;[mine, foreign] = await Promise.all([world.install('a', 'mine', '1.2.0'), world.install('b', 'foreign', '1.2.0')])
})
afterAll(() => world?.stop())

/** The oldest first. */
const list = async (api: Api, query = '?') =>
  expectStatus(await api.get<readonly FeedEvent[]>(`/events${query}&sort=position`), 200)

/** Every event of a caller, as soon as the newest of the release has its place. */
async function listWith(api: Api, release: Release): Promise<readonly FeedEvent[]> {
  const own = expectStatus(await world.admin.get<readonly FeedEvent[]>(`/helm/releases/${release.id}/events`), 200)
  const stream = await eventsOf(api, `/events?releaseId=${release.id}`)
  await stream.take(own.length)
  await stream.close()
  return list(api)
}

test('everybody sees the events of their tenants, in the order of each release, and no other', async () => {
  const all = await listWith(world.admin, foreign)
  const seen = await listWith(ofA, mine)
  expect(new Set(all.map(({ tenantId }) => tenantId))).toEqual(new Set([tenants.a, tenants.b]))
  expect(new Set(seen.map(({ tenantId }) => tenantId))).toEqual(new Set([tenants.a]))
  expect(seen.map(({ subject, seq }) => [subject.id, seq])).toEqual(seen.map((_, n) => [mine.id, n + 1]))
  expect(all.map(({ position }) => position)).toEqual(all.map(({ position }) => position).sort((x, y) => x - y))
  expect(JSON.stringify(seen)).not.toContain(foreign.id)
})

test('filters narrow, ids of another tenant are not found, and what is wrong is told', async () => {
  const started = await list(world.admin, `?tenantId=${tenants.b}&type=release.install`)
  expect(started.length).toBeGreaterThan(0)
  for (const { type, tenantId } of started)
    expect([type.startsWith('release.install'), tenantId]).toEqual([true, tenants.b])
  expect(await list(world.admin, `?releaseId=${mine.id}&q=no-such-type`)).toEqual([])
  for (const query of [`tenantId=${tenants.b}`, `releaseId=${foreign.id}`, `executionId=${foreign.id}`]) {
    for (const headers of [{}, { accept: 'text/event-stream' }]) {
      expectStatus(await ofA.get<Problem>(`/events?${query}`, headers), 404)
    }
  }
  expectStatus(await ofA.get('/events', { accept: 'text/event-stream', 'last-event-id': '-1' }), 400)
  expectStatus(await ofA.get('/events?sort=type'), 400)
})

test('pages lead through all of it from either end, and the whole count is told', async () => {
  const all = await list(ofA)
  for (const [sort, expected] of [
    ['position', all],
    ['-position', all.toReversed()],
  ] as const) {
    const seen: FeedEvent[] = []
    for (let next: string | undefined = `/events?limit=2&sort=${sort}`; next !== undefined; ) {
      const answer: Answer<readonly FeedEvent[]> = await ofA.get(next)
      seen.push(...expectStatus(answer, 200))
      expect(answer.headers.get('x-total-count')).toBe(String(all.length))
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    expect(seen).toEqual(expected)
  }
})

test('a stream that comes back after the server was killed goes on where it was', async () => {
  const before = await list(ofA)
  const at = String(before.at(-1)?.position)
  expectStatus(await world.admin.post(`/helm/releases/${mine.id}/upgrade`, { chartVersion: '1.9.0' }, later), 202)
  const first = await eventsOf(ofA, '/events', at)
  const [one] = await first.take(1)
  if (one === undefined) throw new Error('no event came')
  await world.crash()
  await first.close().catch(() => undefined)
  const again = await eventsOf(ofA, '/events', one.id)
  const rest: StreamedEvent[] = []
  while (!rest.some(({ event }) => event === 'release.upgrade.succeeded')) rest.push(...(await again.take(1)))
  await again.close()
  const seqs = [one, ...rest].map(({ data }) => (data as FeedEvent).seq)
  const from = before.at(-1)?.seq ?? 0
  expect(seqs).toEqual(seqs.map((_, n) => from + 1 + n))
})

test('a caller has at most 20 streams; others are not concerned', async () => {
  const streams = await Promise.all(Array.from({ length: 20 }, () => eventsOf(ofA, '/events')))
  const refused = await ofA.get<Problem>('/events', { accept: 'text/event-stream' })
  expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests'])
  expect(refused.headers.get('retry-after')).not.toBeNull()
  const other = await eventsOf(world.admin, '/events')
  await Promise.all([...streams, other].map((stream) => stream.close()))
})
