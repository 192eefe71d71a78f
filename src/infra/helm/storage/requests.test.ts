import { MockAgent } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listRecords, readRevision } from './storage.ts'

const server = new URL('http://cluster.test')
let agent: MockAgent
let fetched: number
beforeEach(() => {
  agent = new MockAgent()
  agent.disableNetConnect()
  fetched = 0
})
afterEach(() => agent.close())

const cluster = () => ({
  server,
  dispatcher: agent,
  headers: async () => ({ authorization: `Bearer t${fetched}` }),
  rejected: () => void fetched++,
})
const answer = (status: number, body: object, token = 'Bearer t0') =>
  agent
    .get(server.origin)
    .intercept({ path: () => true, headers: { authorization: token } })
    .reply(status, body)

test('credentials that have expired are fetched anew, and the records are read', async () => {
  answer(401, { kind: 'Status', message: 'Unauthorized' })
  answer(200, { items: [], metadata: {} }, 'Bearer t1')
  expect(await listRecords(cluster(), { namespace: 'ns', release: 'web' })).toEqual({ records: [], unreadable: [] })
})

test('a list that expires between two pages begins again', async () => {
  answer(200, { items: [{ metadata: { name: 'lost', namespace: 'ns' } }], metadata: { continue: 'x' } })
  answer(410, { kind: 'Status', reason: 'Expired' })
  answer(200, { items: [], metadata: {} })
  expect(await listRecords(cluster(), { namespace: 'ns', release: 'web' })).toEqual({ records: [], unreadable: [] })
})

test('only a record that the server says is not there is none', async () => {
  answer(404, { kind: 'Status', reason: 'NotFound', details: { name: 'sh.helm.release.v1.web.v1' } })
  expect(await readRevision(cluster(), 'ns', 'web', 1)).toBeNull()
  answer(404, {})
  await expect(readRevision(cluster(), 'ns', 'web', 1)).rejects.toMatchObject({ status: 404 })
})

test('an answer that is no list is no empty one', async () => {
  answer(200, {})
  await expect(listRecords(cluster(), { namespace: 'ns', release: 'web' })).rejects.toMatchObject({ status: 0 })
})
