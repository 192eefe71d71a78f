import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'

/** A request as it came to the cluster. */
export type Seen = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  body: string
}

/** A server in the place of a cluster, for tests. */
export type Upstream = {
  readonly server: URL
  readonly dispatcher: Agent
  /** All requests so far; the body once it is there. */
  readonly seen: Seen[]
  /** Is reached no more. */
  goAway(): Promise<void>
  close(): Promise<void>
}

/** Starts one on loopback that answers by `handle`. */
export async function startUpstream(handle: (request: Seen, response: ServerResponse) => void): Promise<Upstream> {
  const seen: Seen[] = []
  const http = createServer(async (asked, response) => {
    const chunks: Buffer[] = []
    const entry = { method: asked.method ?? '', url: asked.url ?? '', headers: asked.headers, body: '' }
    seen.push(entry)
    for await (const chunk of asked) chunks.push(chunk as Buffer)
    entry.body = Buffer.concat(chunks).toString('latin1')
    handle(entry, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const dispatcher = new Agent()
  const goAway = async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  }
  return {
    server: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    dispatcher,
    seen,
    goAway,
    close: async () => {
      await dispatcher.destroy()
      await goAway()
    },
  }
}

/** The answer to a list of helm's records of the release `web` that has one, as metadata. */
export function recordList(version: number, labels: Readonly<Record<string, string>> = { status: 'deployed' }): string {
  const name = `sh.helm.release.v1.web.v${version}`
  const all = { owner: 'helm', name: 'web', version: String(version), ...labels }
  const metadata = { name, namespace: 'ns', labels: all, uid: `u${version}`, resourceVersion: '9' }
  return JSON.stringify({ items: [{ metadata }] })
}
