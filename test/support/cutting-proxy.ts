import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { addressOf, throughPort } from './database-address.ts'

/** Which end of a COMMIT is lost: what the client says, or what the server answers. */
export type Lost = 'commit' | 'answer'

/** A way to PostgreSQL that can be cut at the COMMIT of one transaction. */
export type CuttingProxy = {
  /** The address of the database by way of the proxy. */
  readonly url: string
  /**
   * From now on the first connection on which these words are sent (within the values of a statement) is cut at the COMMIT
   * that follows; once. `commit`: PostgreSQL never hears of it. `answer`: it has committed, and nobody is told.
   */
  cutAt(words: string, lost: Lost): void
  /** How many connections were cut so. */
  readonly cuts: number
  close(): Promise<void>
}

/** As the driver sends it: a simple query. */
const commit = Buffer.from('commit\0')

type Order = { readonly words: string; readonly lost: Lost }

/** Opens a proxy in front of the database at the URL. The caller closes it. */
export async function cuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const target = addressOf(databaseUrl)
  let order: Order | null = null
  let cuts = 0
  const sockets = new Set<Socket>()

  const join = (client: Socket): void => {
    const server = connect(target)
    const cut = (): void => {
      cuts += 1
      client.destroy()
      server.destroy()
    }
    /** The order that this connection has met the words of. */
    let met: Order | null = null
    let answerIsLost = false
    client.on('data', (chunk) => {
      if (order !== null && chunk.includes(order.words)) [met, order] = [order, null]
      if (met === null || !chunk.includes(commit)) return void server.write(chunk)
      if (met.lost === 'commit') return cut()
      answerIsLost = true
      server.write(chunk)
    })
    server.on('data', (chunk) => (answerIsLost ? cut() : client.write(chunk)))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  }

  const listener = createServer(join).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  return {
    url: throughPort(databaseUrl, typeof address === 'object' && address !== null ? address.port : 0),
    cutAt: (words, lost) => {
      order = { words, lost }
    },
    get cuts() {
      return cuts
    },
    close: async () => {
      listener.close()
      for (const socket of sockets) socket.destroy()
      await once(listener, 'close')
    },
  }
}
