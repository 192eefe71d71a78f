import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Knows the answer under way on each connection, so that a server that stops can end those without one: Node's own
 * `closeIdleConnections` leaves a connection that never had a request open for its whole keep-alive time. Call the result
 * once, when the server stops; connections that still answer are then ended after their answer.
 *
 * Answers leave a connection in the order of their requests: when the last one is through, all are. Only that one is
 * kept, in a map whose keys seldom change: a set of requests that come and go makes V8 keep all of them for long.
 */
export function trackConnections(server: Server): () => void {
  const lastAnswers = new Map<Socket, ServerResponse | null>()
  let stopping = false
  const endAfter = (answer: ServerResponse | null, socket: Socket): void => {
    if (answer === null || answer.closed) socket.destroySoon()
    else answer.once('close', () => lastAnswers.get(socket) === answer && socket.destroySoon())
  }
  server.on('connection', (socket: Socket) => {
    lastAnswers.set(socket, null)
    socket.once('close', () => lastAnswers.delete(socket))
    if (stopping) socket.destroySoon()
  })
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    if (lastAnswers.has(socket)) lastAnswers.set(socket, answer)
    if (stopping) endAfter(answer, socket)
  })
  return () => {
    stopping = true
    for (const [socket, answer] of lastAnswers) {
      // Nobody has begun with a request of which a part is missing, and Node waits for the rest of it for ever.
      if (answer !== null && !answer.closed && !answer.req.complete) socket.destroy()
      else endAfter(answer, socket)
    }
  }
}
