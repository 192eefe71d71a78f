import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import type { StoredEvent } from '../support/releases.ts'
import { readStream } from '../support/stream.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test.concurrent('every change of a release is an event, in order and without values', async () => {
  const release = await world.place().installed({ valuesOverride: { color: 'canary-color', password: 'canary-word' } })
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  ok(await release.uninstall())
  const events = await release.events()
  const seqs = events.map(({ seq }) => seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  expect(new Set(seqs).size).toBe(seqs.length)
  const types = events.map(({ type }) => type)
  for (const kind of ['install', 'upgrade', 'uninstall']) {
    const own = types.filter((type) => type.startsWith(`release.${kind}.`))
    expect(own.at(0)).toBe(`release.${kind}.requested`)
    expect(own.at(-1)).toBe(`release.${kind}.succeeded`)
  }
  expect(JSON.stringify(events)).not.toContain('canary')
})

test.concurrent('the stream goes on behind Last-Event-ID, with what happens now', async () => {
  const release = await world.place().installed()
  const before = await release.events()
  const last = before.at(-1)
  const stream = readStream(world.api, `${release.path}/events`, String(before[0]?.seq))
  const missed = await stream.until((events) => events.at(-1)?.id === String(last?.seq))
  expect(missed.map(({ id }) => Number(id))).toEqual(before.slice(1).map(({ seq }) => seq))
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  const all = await release.events()
  const seen = await stream.until((events) => events.at(-1)?.id === String(all.at(-1)?.seq))
  stream.close()
  expect(seen.map(({ id }) => Number(id))).toEqual(all.slice(1).map(({ seq }) => seq))
  expect(seen.map(({ event }) => event)).toEqual(all.slice(1).map(({ type }) => type))
})

test.concurrent('the events of an operation are its own', async () => {
  const release = await world.place().installed()
  const operation = await release.begin('POST', '/upgrade', { chartVersion: '1.1.0' })
  await operation.ended()
  const events = ok(await world.api.get<readonly StoredEvent[]>(`/operations/${operation.id}/events`))
  expect(events.length).toBeGreaterThan(1)
  expect(new Set(events.map(({ data }) => (data as { operationId?: string }).operationId))).toEqual(
    new Set([operation.id]),
  )
})

test.concurrent('a list has the newest first, as every list that does not say otherwise', async () => {
  const release = await world.place().installed()
  const operation = await release.begin('POST', '/upgrade', { chartVersion: '1.1.0' })
  await operation.ended()
  const all = await release.events()
  const listed = async (path: string) => ok(await world.api.get<readonly StoredEvent[]>(path))
  expect(await listed(`${release.path}/events`)).toEqual(all.toReversed())
  const own = all.filter(({ data }) => (data as { operationId?: string }).operationId === operation.id)
  expect(await listed(`/operations/${operation.id}/events`)).toEqual(own.toReversed())
  const feed = await listed(`/events?releaseId=${release.id}`)
  expect(feed.map(({ seq }) => seq)).toEqual(feed.map(({ seq }) => seq).sort((x, y) => y - x))
})

test.concurrent('a Last-Event-ID that is none is 400, a page has its Link', async () => {
  const release = await world.place().installed()
  const headers = { accept: 'text/event-stream', 'last-event-id': 'tomorrow' }
  problem(await world.api.get(`${release.path}/events`, { headers }), 400, 'malformed')
  const page = await world.api.get<readonly StoredEvent[]>(`${release.path}/events?limit=1`)
  const all = await release.events()
  expect(ok(page)).toEqual(all.slice(-1))
  expect(page.headers.get('link')).toContain('rel="next"')
})
