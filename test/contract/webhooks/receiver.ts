import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a receiver got. */
export type Received = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly event: {
    readonly id: string
    readonly seq: number
    readonly type: string
    readonly subject: { readonly id: string }
  }
}

/** Answers one request; unless told otherwise by 204. */
export type Answering = (got: Received, response: ServerResponse) => void

/** A receiver of webhooks on loopback. */
export type Receiver = {
  readonly url: string
  readonly port: number
  readonly got: readonly Received[]
  answer: Answering
  close(): Promise<void>
}

export const fine: Answering = (_, response) => void response.writeHead(204).end()
export const broken: Answering = (_, response) => void response.writeHead(500).end('{"why":"no"}')
/** Never answers. */
export const hanging: Answering = () => undefined

export async function startReceiver(answer: Answering = fine): Promise<Receiver> {
  const got: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body,
        event: JSON.parse(body) as Received['event'],
      }
      got.push(one)
      receiver.answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    got,
    answer,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
