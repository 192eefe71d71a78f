import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/cluster.ts'
import { type Api, type Batch, expectStatus, type Operation, type Problem, type Release } from './api.ts'
import { eventsOf } from './stream.ts'
import { installOf, later, openWorld, operationOf, tenants, type World } from './world.ts'

let world: World
let operatorOfA: Api
let operatorOfB: Api
let names = 0
const name = () => `release-${names++}`

beforeAll(async () => {
  world = await openWorld()
  operatorOfA = await world.caller('tenant-operator', ['a'])
  operatorOfB = await world.caller('tenant-operator', ['b'])
})
afterAll(() => world?.stop())

type Accepted = { readonly operationId: string }
const accepted = async (answer: ReturnType<Api['post']>) => expectStatus(await answer, 202) as Accepted
const ended = (api: Api, id: string) =>
  eventually(
    () => operationOf(api, id),
    ({ endedAt }) => endedAt !== null,
  )
const stuck = (of: 'a' | 'b') => ({
  ...installOf(of, name(), '1.9.0'),
  valuesOverride: { stuckAt: '1.9.0' },
  timeout: 600,
})
const revisionsOf = async (id: string) =>
  expectStatus(await world.admin.get<{ revision: number }[]>(`/helm/releases/${id}/history`), 200)

describe('an operation', () => {
  test('is accepted with its place, can be polled, and ends with what happened', async () => {
    const answer = await world.admin.post<Accepted>('/helm/releases', installOf('a', name(), '1.2.0'), later)
    const { operationId } = expectStatus(answer, 202)
    expect(answer.headers.get('location')).toBe(`/api/v1/operations/${operationId}`)
    const done = await ended(world.admin, operationId)
    expect(done).toMatchObject({ kind: 'install', status: 'SUCCEEDED', error: null, performedBy: 'admin' })
    expect(Date.parse(done.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(done.startedAt ?? ''))
  })

  test('is seen by its tenant and by admins, listed and alone', async () => {
    const made = await accepted(operatorOfA.post('/helm/releases', installOf('a', name(), '1.2.0'), later))
    const { releaseId } = await ended(operatorOfA, made.operationId)
    for (const path of [`/operations/${made.operationId}`, `/operations/${made.operationId}/events`]) {
      expectStatus(await operatorOfB.get(path), 404)
      expectStatus(await operatorOfA.get(path), 200)
      expectStatus(await world.admin.get(path), 200)
    }
    expectStatus(await operatorOfB.post(`/operations/${made.operationId}/cancel`), 404)
    const ofRelease = `/operations?releaseId=${releaseId}`
    const own = expectStatus(await operatorOfA.get<Operation[]>(ofRelease), 200)
    expect(own.map(({ id }) => id)).toEqual([made.operationId])
    expectStatus(await operatorOfB.get(ofRelease), 404)
  })

  test('of a batch over several tenants is seen by who asked for it; others see their own part of it', async () => {
    const both = await world.caller('tenant-operator', ['a', 'b'])
    await world.install('a', name(), '1.2.0')
    const own = await world.install('b', name(), '1.2.0')
    const path = '/helm/releases/chart/small/batch-upgrade?targetVersion=1.9.0'
    const { operationId } = await accepted(both.post(path, {}, later))
    await ended(both, operationId)
    expectStatus(await operatorOfB.get(`/operations/${operationId}`), 404)
    const children = expectStatus(await operatorOfB.get<Operation[]>(`/operations?releaseId=${own.id}`), 200)
    expect(children[0]).toMatchObject({ parentId: operationId, kind: 'upgrade', status: 'SUCCEEDED' })
  })

  test('pages through the list, newest first, by status', async () => {
    const all = expectStatus(await world.admin.get<Operation[]>('/operations?status=SUCCEEDED'), 200)
    const times = all.map(({ createdAt }) => createdAt)
    expect(times).toEqual([...times].sort().reverse())
    const first = await world.admin.get<Operation[]>('/operations?status=SUCCEEDED&limit=1')
    expect(first.headers.get('x-total-count')).toBe(String(all.length))
    const next = first.headers.get('link')?.match(/^<([^>]+)>; rel="next"$/)?.[1] ?? ''
    const second = expectStatus(await world.admin.get<Operation[]>(next), 200)
    expect([first.body[0]?.id, second[0]?.id]).toEqual(all.slice(0, 2).map(({ id }) => id))
  })

  test('that is cancelled ends so, for the one who waits for it too', async () => {
    const body = stuck('a')
    const waiting = world.admin.post<Problem>('/helm/releases', body)
    const running = await eventually(
      async () => expectStatus(await world.admin.get<Operation[]>('/operations?status=RUNNING'), 200),
      (all) => all.length === 1,
    )
    const id = running[0]?.id ?? ''
    expectStatus(await operatorOfA.post(`/operations/${id}/cancel`), 202)
    expect(expectStatus(await waiting, 422)).toMatchObject({ code: 'cancelled', operationId: id })
    expect(await operationOf(world.admin, id)).toMatchObject({ status: 'FAILED', error: { code: 'cancelled' } })
    expectStatus(await world.admin.post(`/operations/${id}/cancel`), 409)
  })

  test('goes on when the client that waits for it goes away', async () => {
    const newest = async () => expectStatus(await world.admin.get<Operation[]>('/operations?limit=1'), 200)[0]?.id ?? ''
    const before = await newest()
    const gone = new AbortController()
    const asked = world.admin.raw('POST', '/helm/releases', {
      body: JSON.stringify(installOf('a', name(), '1.2.0')),
      headers: { 'content-type': 'application/json' },
      signal: gone.signal,
    })
    const id = await eventually(newest, (found) => found !== before)
    gone.abort()
    await asked.catch(() => undefined)
    expect((await ended(world.admin, id)).status).toBe('SUCCEEDED')
  })
})

describe('an Idempotency-Key', () => {
  const keyed = () => ({ 'idempotency-key': randomUUID() })

  test('makes many requests at once one, with one outcome', async () => {
    const key = keyed()
    const body = installOf('a', name(), '1.2.0')
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => world.admin.post<Release>('/helm/releases', body, key)),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
    expect(new Set(answers.map((answer) => answer.headers.get('location'))).size).toBe(1)
    expect(await revisionsOf(answers[0]?.body.id ?? '')).toHaveLength(1)
  })

  test('with another body or query is refused, and another caller or path is another key', async () => {
    const key = keyed()
    const release = await world.install('a', name(), '1.2.0')
    const path = `/helm/releases/${release.id}/upgrade`
    expectStatus(await world.admin.post(path, { chartVersion: '1.9.0' }, key), 200)
    for (const [other, body] of [
      [path, { chartVersion: '1.10.0' }],
      [`${path}?dryRun=true`, { chartVersion: '1.9.0' }],
    ] as const) {
      expect(expectStatus(await world.admin.post<Problem>(other, body, key), 422).code).toBe('idempotency_mismatch')
    }
    expect(await revisionsOf(release.id)).toHaveLength(2)
    expectStatus(await operatorOfA.post(path, { chartVersion: '1.10.0' }, key), 200)
    expectStatus(await world.admin.post(`/helm/releases/${release.id}/rollback/last-successful`, {}, key), 200)
    expect(await revisionsOf(release.id)).toHaveLength(4)
  })

  test('answers a failure with that failure, and does not carry it out again', async () => {
    const key = keyed()
    const body = { ...stuck('a'), timeout: 5 }
    const first = expectStatus(await world.admin.post<Problem>('/helm/releases', body, key), 422)
    const again = expectStatus(await world.admin.post<Problem>('/helm/releases', body, key), 422)
    expect([again.code, again.operationId]).toEqual(['not_ready', first.operationId])
    const other = keyed()
    const refused = { ...installOf('a', name(), '1.2.0'), chartVersion: '7.7.7' }
    for (let times = 0; times < 2; times++) {
      expect(expectStatus(await world.admin.post<Problem>('/helm/releases', refused, other), 404).code).toBe(
        'chart_version_not_found',
      )
    }
  })

  test('answers what the first was answered, whatever became of the release since', async () => {
    const key = keyed()
    const body = installOf('a', name(), '1.2.0')
    const first = expectStatus(await world.admin.post<Release>('/helm/releases', body, key), 201)
    const upgrading = keyed()
    const path = `/helm/releases/${first.id}/upgrade`
    const second = expectStatus(await world.admin.post<Release>(path, { chartVersion: '1.9.0' }, upgrading), 200)
    expectStatus(await world.admin.post(`/helm/releases/${first.id}/rollback`, { targetRevision: 1 }), 200)
    expect(expectStatus(await world.admin.post<Release>('/helm/releases', body, key), 201)).toEqual(first)
    const again = await world.admin.post<Release>(path, { chartVersion: '1.9.0' }, upgrading)
    expect(expectStatus(again, 200)).toEqual(second)
    expect(second).toMatchObject({ revision: 2, chartVersion: '1.9.0' })
  })

  test('finds a batch again, and answers 202 to who will not wait', async () => {
    const key = keyed()
    await world.install('b', name(), '1.2.0')
    const path = '/helm/releases/chart/small/batch-upgrade?targetVersion=1.9.0'
    const first = expectStatus(await operatorOfB.post<Batch>(path, {}, key), 200)
    expect(first.upgraded.length).toBeGreaterThan(0)
    expect(expectStatus(await operatorOfB.post<Batch>(path, {}, key), 200)).toEqual(first)
    const { operationId } = await accepted(operatorOfB.post(path, {}, { ...key, ...later }))
    expect((await operationOf(operatorOfB, operationId)).result).toEqual(first)
  })

  test('shows the secret of a key once, also when the request is repeated', async () => {
    const key = keyed()
    const wanted = { name: 'repeated', role: 'viewer', tenants: [tenants.a] }
    const first = expectStatus(await world.admin.post<{ id: string; key: string }>('/api-keys', wanted, key), 201)
    const again = expectStatus(await world.admin.post<{ id: string; key: null }>('/api-keys', wanted, key), 201)
    expect(first.key).toMatch(/^flo_/)
    expect(again).toEqual({ ...first, key: null })
  })

  test('finds its operation again after the server was killed, which is then carried out once', async () => {
    const key = keyed()
    const body = installOf('a', name(), '1.2.0')
    const { operationId } = await accepted(world.admin.post('/helm/releases', body, { ...key, ...later }))
    await world.crash()
    const replayed = expectStatus(await world.admin.post<Release>('/helm/releases', body, key), 201)
    expect(replayed).toMatchObject({ releaseName: body.releaseName, status: 'DEPLOYED' })
    expect((await operationOf(world.admin, operationId)).releaseId).toBe(replayed.id)
    const same = expectStatus(await world.admin.get<Release[]>('/helm/releases'), 200)
    expect(same.filter(({ releaseName }) => releaseName === body.releaseName)).toHaveLength(1)
  })
})

describe('events', () => {
  test('are a list, and a stream that goes on behind Last-Event-ID', async () => {
    const release = await world.install('a', name(), '1.2.0')
    const path = `/helm/releases/${release.id}/events`
    const oldestFirst = `${path}?sort=seq`
    const list = expectStatus(await operatorOfA.get<{ seq: number; type: string }[]>(oldestFirst), 200)
    expect(list.map(({ seq }) => seq)).toEqual(list.map((_, i) => i + 1))

    const stream = await eventsOf(operatorOfA, path)
    const begun = await stream.take(list.length)
    expect(begun.map(({ id, event }) => [Number(id), event])).toEqual(list.map(({ seq, type }) => [seq, type]))
    expectStatus(await world.admin.post(`/helm/releases/${release.id}/upgrade`, { chartVersion: '1.9.0' }), 200)
    const all = expectStatus(await operatorOfA.get<{ seq: number; type: string }[]>(oldestFirst), 200)
    const after = all.slice(list.length)
    const live = await stream.take(after.length)
    expect(live.map(({ id, event }) => [Number(id), event])).toEqual(after.map(({ seq, type }) => [seq, type]))
    await stream.close()

    const last = begun.at(-1)?.id ?? ''
    const resumed = await eventsOf(operatorOfA, path, last)
    expect((await resumed.take(after.length)).map(({ id }) => id)).toEqual(live.map(({ id }) => id))
    await resumed.close()
  })

  test('of an operation are its own only, of a batch those of the batch', async () => {
    const release = await world.install('b', name(), '1.2.0')
    const path = '/helm/releases/chart/small/batch-upgrade?targetVersion=1.9.0'
    const { operationId } = await accepted(operatorOfB.post(path, {}, later))
    const stream = await eventsOf(operatorOfB, `/operations/${operationId}/events`)
    await ended(operatorOfB, operationId)
    type Event = { readonly type: string; readonly data: { readonly operationId: string } }
    const list = expectStatus(await operatorOfB.get<Event[]>(`/operations/${operationId}/events?sort=seq`), 200)
    expect(list.map(({ type }) => type)).toEqual(['batch.requested', 'batch.progressed', 'batch.ended'])
    const counts = { releases: 1, upgraded: 1, failed: 0, skipped: 0 }
    expect(list[1]?.data).toMatchObject({ ...counts, releaseId: release.id, outcome: 'upgraded', code: null })
    expect((await stream.take(3)).map(({ event }) => event)).toEqual(list.map(({ type }) => type))
    await stream.close()
    expect(list.every(({ data }) => data.operationId === operationId)).toBe(true)
  })

  test('of a release of another tenant are not found, streamed or listed', async () => {
    const release = await world.install('a', name(), '1.2.0')
    const path = `/helm/releases/${release.id}/events`
    expectStatus(await operatorOfB.get(path), 404)
    expectStatus(await operatorOfB.get(path, { accept: 'text/event-stream' }), 404)
  })
})
