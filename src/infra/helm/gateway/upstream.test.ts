import type { IncomingMessage } from 'node:http'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { silentServer } from '../../../../test/support/silent-server.ts'
import { askCluster } from './upstream.ts'

test('what helm asks of a silent cluster ends with its attempt, also while the connection is being made', async () => {
  const silent = await silentServer()
  const dispatcher = new Agent({ connect: { timeout: 0 } })
  const cluster = { server: new URL(`https://127.0.0.1:${silent.port}`), dispatcher, headers: async () => ({}) }
  const ended = new AbortController()
  const request = { headers: {} } as IncomingMessage
  const asking = askCluster(cluster, { method: 'GET', url: '/', request, body: null, signal: ended.signal })
  setImmediate(() => ended.abort(new Error('the lease is over')))
  await expect(asking).rejects.toThrow('the lease is over')
  await dispatcher.destroy()
  await silent.close()
})
