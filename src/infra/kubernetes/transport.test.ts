import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { silentServer } from '../../../test/support/silent-server.ts'
import { createTransport } from './transport.ts'

const get = { method: 'GET', path: '/', headers: {} } as const

test('a request ends on time also while it waits for credentials', async () => {
  const dispatcher = new Agent()
  const headers = () => new Promise<never>(() => {})
  const transport = createTransport({ server: new URL('http://127.0.0.1:1'), dispatcher, headers })
  const ended = new AbortController()
  const asking = transport({ ...get, signal: ended.signal })
  ended.abort(new Error('too late'))
  await expect(asking).rejects.toThrow('too late')
  await dispatcher.destroy()
})

test('a request ends on time also while its connection is being made, and each for itself', async () => {
  const silent = await silentServer()
  const dispatcher = new Agent({ connect: { timeout: 0 } })
  const server = new URL(`https://127.0.0.1:${silent.port}`)
  const transport = createTransport({ server, dispatcher, headers: async () => ({}) })
  const ended = new AbortController()
  const asking = [1, 2, 3].map(() => transport({ ...get, signal: ended.signal }))
  setImmediate(() => ended.abort(new Error('too late')))
  for (const each of asking) await expect(each).rejects.toThrow('too late')
  await dispatcher.destroy()
  await silent.close()
})
