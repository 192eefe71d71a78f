import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RecordGuard } from './record-guard.ts'
import { recordList, startUpstream, type Upstream } from './testing/upstream.ts'

let upstream: Upstream
let guard: RecordGuard
let status: string
let unanswered: number
const looks = () => upstream.seen.length

beforeEach(async () => {
  status = 'pending-upgrade'
  unanswered = 0
  upstream = await startUpstream((_, response) => {
    if (unanswered-- > 0) return void response.destroy()
    const body = recordList(2, { status, 'flotilla.dev/operation': 'op' })
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  const { server, dispatcher } = upstream
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
  await upstream.close()
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
  expect(looks()).toBe(0)
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
  unanswered = 2
  await guard.refresh(false)
  expect({ looks: looks(), isOvertaken: guard.overtaken.aborted }).toEqual({ looks: 6, isOvertaken: false })
})
