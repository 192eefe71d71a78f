import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a request looked like to the repository. */
export type Seen = {
  readonly path: string
  readonly authorization: string | undefined
  readonly etag: string | undefined
}
type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A small repository on loopback: files by path, handlers for what a file cannot do, and a list of what was asked. */
export class RepositoryServer implements AsyncDisposable {
  readonly files = new Map<string, Buffer | string>()
  readonly handlers = new Map<string, Handler>()
  readonly seen: Seen[] = []
  readonly #server = createServer((request, response) => this.#answer(request, response))

  static async start(): Promise<RepositoryServer> {
    const server = new RepositoryServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/'
    const { authorization } = request.headers
    this.seen.push({ path, authorization, etag: request.headers['if-none-match'] })
    const handler = this.handlers.get(path)
    const file = this.files.get(path)
    if (handler !== undefined) handler(request, response)
    else if (file === undefined) response.writeHead(404).end('canary-in-a-body')
    else response.writeHead(200).end(file)
  }
}

/** An `index.yaml` entry list for these charts, as JSON, which is YAML too. */
export function indexFile(charts: readonly { name: string; version: string; url: string; digest?: string }[]): string {
  const entries: Record<string, unknown[]> = {}
  for (const { name, version, url, digest } of charts) {
    entries[name] = [
      ...(entries[name] ?? []),
      { apiVersion: 'v2', name, version, appVersion: '1', urls: [url], digest },
    ]
  }
  return JSON.stringify({ apiVersion: 'v1', entries })
}
