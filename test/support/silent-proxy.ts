import { once } from 'node:events'
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** A way to a server that can fall silent: connections stay, new ones are taken, and nothing is passed on any more. */
export type SilentProxy = {
  readonly port: number
  /** From now on not a byte goes either way. */
  silence(): void
  /** What was held back goes on, in its order: nothing is lost. */
  speak(): void
  close(): Promise<void>
}

/** Opens one on a free port of this machine. The caller closes it. */
export async function silentProxy(target: NetConnectOpts): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let silent = false
  const join = (client: Socket): void => {
    const server = connect(target)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => to.write(chunk))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (silent) from.pause()
    }
  }
  const listener = createServer(join).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    silence: () => {
      silent = true
      for (const socket of sockets) socket.pause()
    },
    speak: () => {
      silent = false
      for (const socket of sockets) socket.resume()
    },
    close: async () => {
      listener.close()
      for (const socket of sockets) socket.destroy()
      await once(listener, 'close')
    },
  }
}
