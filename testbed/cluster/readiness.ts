import { request } from 'node:https'

export type Asked = { readonly port: number; readonly token: string; readonly authority: string }

/** What the API server answers; status 0 while it cannot be reached. */
export function ask(
  { port, token, authority }: Asked,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path, method, headers, ca: authority, agent: false, timeout: 10_000 }
    const sent = request(options, async (response) => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      } catch (error) {
        resolve({ status: 0, text: String(error) })
      }
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer')))
    sent.once('error', (error) => resolve({ status: 0, text: error.message }))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
