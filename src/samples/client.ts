import { setTimeout as sleep } from 'node:timers/promises'

/** Says a line to who watches. */
export type Say = (line: string) => void

/** Where the public API is, and the key to use it with. */
export type Api = { readonly url: string; readonly key: string; readonly signal: AbortSignal }

/** Sends a request with a body; answers whatever comes. */
export function post(api: Api, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return send(api, path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Reads what must be there. Throws for any answer but 200. */
export async function get<T>(api: Api, path: string): Promise<T> {
  const answer = await send(api, path, {})
  if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`)
  return (await answer.json()) as T
}

/** The rate of a caller holds for this one too (SECURITY.md): it waits as it is told, and asks again. */
async function send({ url, key, signal }: Api, path: string, request: RequestInit): Promise<Response> {
  for (;;) {
    const headers = { ...request.headers, authorization: `Bearer ${key}` }
    const answer = await fetch(`${url}${path}`, { ...request, headers, signal })
    if (answer.status !== 429) return answer
    await answer.body?.cancel()
    await sleep(1000 * Number(answer.headers.get('retry-after') ?? 1), undefined, { signal })
  }
}
