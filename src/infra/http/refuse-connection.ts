import type { Socket } from 'node:net'
import { Problem, problemCatalogue } from '../../core/problems.ts'
import { problemBody } from './problem-json.ts'

const statusLine: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Answers what is not HTTP, or came too slowly, with a problem, and closes the connection. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const line = statusLine[error.code ?? ''] ?? '400 Bad Request'
  const problem = new Problem('malformed', problemCatalogue.malformed.title)
  const body = JSON.stringify({ ...problemBody(problem, ''), status: Number(line.slice(0, 3)) })
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
