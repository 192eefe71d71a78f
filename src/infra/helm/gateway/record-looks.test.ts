import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RecordGuard } from './record-guard.ts'

let upstream: Server
let dispatcher: Agent
let guard: RecordGuard
let status: string
let looks: number
let unanswered: number

beforeEach(async () => {
  status = 'pending-upgrade'
  looks = 0
  unanswered = 0
  upstream = createServer((_, response) => {
    looks++
    if (unanswered-- > 0) return void response.destroy()
    const labels = { owner: 'helm', name: 'web', version: '2', status, 'flotilla.dev/operation': 'op' }
    const metadata = { name: 'sh.helm.release.v1.web.v2', namespace: 'ns', labels, uid: 'u2', resourceVersion: '9' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items: [{ metadata }] }))
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  dispatcher = new Agent()
  const server = new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`)
  guard = new RecordGuard({
    cluster: { server, dispatcher, headers: async () => ({}), rejected: () => {} },
    namespace: 'ns',
    release: 'web',
    expected: { before: { revision: 1, secretUid: 'u1' }, makes: 'labelled', operationId: 'op' },
    made: () => true,
  })
})
afterEach(async () => {
  guard.close()
  await dispatcher.destroy()
  upstream.close()
})

test('before a record is changed they are looked at, however fresh the last look is and however lately helm has begun', async () => {
  await guard.look()
  expect(guard.overtaken.aborted).toBe(false)
  status = 'uninstalled'
  await guard.refresh(true)
  expect(guard.overtaken.aborted).toBe(true)
})

test('before the first write after a pause they are looked at, however lately helm has begun', async () => {
  await guard.refresh(false)
  expect(looks).toBe(0)
  status = 'uninstalled'
  await sleep(40)
  await guard.refresh(false)
  expect(guard.overtaken.aborted).toBe(true)
})

test('a record is not written over unseen; another object is', async () => {
  unanswered = 2
  await expect(guard.refresh(true)).rejects.toThrow('cannot be read')
  unanswered = 1
  await guard.refresh(true)
  await sleep(40)
  unanswered = 1
  await guard.refresh(false)
  expect({ looks, isOvertaken: guard.overtaken.aborted }).toEqual({ looks: 5, isOvertaken: false })
})
