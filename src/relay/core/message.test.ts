import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageOf, referenceOf, type Told } from './message.ts'
import { type Published, publishInOrder } from './publish.ts'

const told = (change: Partial<Told> = {}): Told => ({
  id: 'e1',
  subject: { kind: 'release', id: 'r1' },
  seq: 3,
  tenantId: 't1',
  type: 'release.upgrade.started',
  data: { revision: 4 },
  at: '2026-01-02T03:04:05.678Z',
  ...change,
})

test('an event is a CloudEvent in structured mode, its key the subject', () => {
  const { key, value, headers } = messageOf(told())
  expect({ key, headers }).toEqual({
    key: 'r1',
    headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
  })
  expect(JSON.parse(value)).toEqual({
    specversion: '1.0',
    id: 'e1',
    source: '/flotilla/releases',
    type: 'dev.flotilla.release.upgrade.started',
    subject: 'r1',
    time: '2026-01-02T03:04:05.678Z',
    sequence: '3',
    partitionkey: 'r1',
    tenantid: 't1',
    datacontenttype: 'application/json',
    data: { revision: 4 },
  })
})

test.each([
  ['release', '/api/v1/helm/releases/r1/events'],
  ['execution', '/api/v1/registry/upgrades/r1/events'],
  ['batch', '/api/v1/events?type=batch'],
  ['component', '/api/v1/events?type=registry'],
] as const)('one of a %s that is too large says where its data are', (kind, dataref) => {
  const { value } = referenceOf(told({ subject: { kind, id: 'r1' }, tenantId: null }))
  expect(JSON.parse(value)).toMatchObject({ id: 'e1', dataref })
  expect(JSON.parse(value)).not.toHaveProperty('data')
  expect(JSON.parse(value)).not.toHaveProperty('tenantid')
})

test('events go in order and once, whatever the broker finds too large, and none behind one that failed', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 400, max: 3_000 }),
      fc.option(fc.nat(40)),
      async (lengths, max, fails) => {
        const events = lengths.map((length, n) => told({ seq: n + 1, data: { x: 'y'.repeat(length * 30) } }))
        const seqs: number[] = []
        let calls = 0
        const { taken, failed } = await publishInOrder(events, async (messages): Promise<Published> => {
          if (calls++ === fails) return { kind: 'failed', why: 'down' }
          if (messages.reduce((sum, { value }) => sum + value.length, 0) > max) return { kind: 'too_large' }
          seqs.push(...messages.map(({ value }) => Number((JSON.parse(value) as { sequence: string }).sequence)))
          return { kind: 'taken' }
        })
        expect(seqs).toEqual(Array.from({ length: taken }, (_, n) => n + 1))
        if (failed === null) expect(taken).toBe(events.length)
      },
    ),
  )
})

test('an event that is too large even without its data waits, and the reason says so', async () => {
  const sent = await publishInOrder([told(), told({ seq: 4 })], async () => ({ kind: 'too_large' }))
  expect(sent).toEqual({ taken: 0, failed: 'the broker takes no message of this size' })
})
