import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { createTransport } from './transport.ts'

test('a request ends on time also while it waits for credentials', async () => {
  const dispatcher = new Agent()
  const headers = () => new Promise<never>(() => {})
  const transport = createTransport({ server: new URL('http://127.0.0.1:1'), dispatcher, headers })
  const ended = new AbortController()
  const asking = transport({ method: 'GET', path: '/', headers: {}, signal: ended.signal })
  ended.abort(new Error('too late'))
  await expect(asking).rejects.toThrow('too late')
  await dispatcher.destroy()
})
