/** Says a line to who watches. */
export type Say = (line: string) => void

/** Where the public API is, and the key to use it with. */
export type Api = { readonly url: string; readonly key: string; readonly signal: AbortSignal }

/** Sends a request with a body; answers whatever comes. */
export function post(api: Api, path: string, body: unknown): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: api.signal,
  })
}

/** Reads what must be there. Throws for any answer but 200. */
export async function get<T>(api: Api, path: string): Promise<T> {
  const answer = await fetch(`${api.url}${path}`, {
    headers: { authorization: `Bearer ${api.key}` },
    signal: api.signal,
  })
  if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`)
  return (await answer.json()) as T
}
