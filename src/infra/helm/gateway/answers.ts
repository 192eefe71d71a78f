import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RefusalReason } from './classify.ts'

const reasons: Readonly<Record<RefusalReason, string>> = {
  odd_path: 'this path is not open to charts',
  query: 'a parameter of the query is not open to charts',
  method: 'the method is not open to charts here',
  outside_namespace: 'this lies outside the namespace of the release',
  cluster_scoped: 'cluster-scoped kinds are not open to the release',
  forged_record: 'the Secret could be taken for a record of Helm or a service account token',
  too_large: 'the body is too large',
  no_lease: 'the attempt no longer holds its lease',
  overtaken: 'another hand has changed the release meanwhile',
}

/** What helm is told of a refusal, as the API server would say it. */
export function answerRefusal(response: ServerResponse, reason: RefusalReason): void {
  answerStatus(response, 403, 'Forbidden', `flotilla gateway: ${reasons[reason]}`)
}

/** Answers with a Kubernetes Status. Nothing is written when an answer has begun. */
export function answerStatus(response: ServerResponse, code: number, reason: string, message: string): void {
  if (response.headersSent) return void response.destroy()
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status))
}

/** The whole body, or null when it is longer than `limit` bytes. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
  }
  return size > limit ? null : Buffer.concat(chunks)
}

/** The user info of the attempt's URL, as the client sends it. */
export function readCredentials(header: string | undefined): { id: string; secret: string } | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,400})$/.exec(header ?? '') ?? []
  const decoded = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('latin1')
  const at = decoded.indexOf(':')
  return at < 0 ? null : { id: decoded.slice(0, at), secret: decoded.slice(at + 1) }
}
