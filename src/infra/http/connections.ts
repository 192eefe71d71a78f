import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Keeps count of the requests under way on each connection, so that a server that stops can end those without one:
 * Node's own `closeIdleConnections` leaves a connection that never had a request open for its whole keep-alive time.
 * Call the result once, when the server stops; connections that still answer are then ended after their answer.
 */
export function trackConnections(server: Server): () => void {
  const underWay = new Map<Socket, number>()
  const coming = new Set<IncomingMessage>()
  let stopping = false
  const count = (socket: Socket, by: number) => {
    const now = (underWay.get(socket) ?? 0) + by
    if (underWay.has(socket)) underWay.set(socket, now)
    if (stopping && now === 0) socket.destroySoon()
  }
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, 0)
    socket.once('close', () => underWay.delete(socket))
    if (stopping) socket.destroySoon()
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    count(socket, 1)
    coming.add(request)
    request.once('close', () => coming.delete(request))
    response.once('close', () => count(socket, -1))
  })
  return () => {
    stopping = true
    for (const [socket, requests] of underWay) if (requests === 0) socket.destroySoon()
    // Nobody has begun with a request of which a part is missing, and Node waits for the rest of it for ever.
    for (const { complete, socket } of coming) if (!complete) socket.destroy()
  }
}
