import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Chance } from './chance.ts'
import type { TestCluster } from './cluster.ts'

/** What an API server that is not well does with a request: a refusal, or a connection that breaks. */
export type Fault =
  | { readonly kind: 'status'; readonly status: 429 | 500 | 503; readonly retryAfterSeconds?: number }
  /** Before the request has reached the server, or after the server has carried it out. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  /** Of a watch: it ends at once with what the server says when it no longer keeps the version asked for. */
  | { readonly kind: 'expired' }

export type Asked = {
  readonly method: string
  readonly path: string
  readonly watch: boolean
  /** Whom the asker impersonates; null: it asks as itself. */
  readonly as: string | null
}

/** A way to a cluster that does to each request what `faults` says. */
export type FaultyApiServer = {
  /** From now on. Null: the request goes through. */
  faults(of: (asked: Asked) => Fault | null): void
  /** Ends every watch that runs. */
  cutWatches(): void
  close(): Promise<void>
}

/**
 * Opens one in front of the cluster, and writes a kubeconfig that leads there. Plain HTTP on loopback: whose token it is
 * the cluster still decides. The caller closes it.
 */
export async function faultyApiServer(cluster: TestCluster, kubeconfig: string): Promise<FaultyApiServer> {
  const { origin } = cluster.endpoint.server
  const direct = await readFile(cluster.kubeconfig, 'utf8')
  const ca = Buffer.from(/certificate-authority-data: (\S+)/.exec(direct)?.[1] ?? '', 'base64')
  let faultOf: (asked: Asked) => Fault | null = () => null
  const watches = new Set<ServerResponse>()

  const server = createServer((asked, answer) => {
    const described = describe(asked)
    if (described.watch) {
      watches.add(answer)
      answer.once('close', () => watches.delete(answer))
    }
    const fault = faultOf(described)
    if (fault === null) pass(asked, answer, { origin, ca })
    else suffer(fault, asked, answer, { origin, ca })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const ours = direct.replace(origin, `http://127.0.0.1:${port}`).replace(/ *certificate-authority-data: .*\n/, '')
  await writeFile(kubeconfig, ours, { mode: 0o600 })
  return {
    faults: (of) => {
      faultOf = of
    },
    cutWatches: () => {
      for (const answer of watches) answer.destroy()
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** This share of all requests meets one of these faults; a watch as often one whose version is no longer kept. */
export function someFaults(share: number, chance: Chance): (asked: Asked) => Fault | null {
  return ({ watch }) => {
    if (chance.next() >= share) return null
    if (watch && chance.next() < 0.5) return { kind: 'expired' }
    return chance.pick(transient)
  }
}

const transient: readonly [Fault, ...Fault[]] = [
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'cut', when: 'before' },
  { kind: 'cut', when: 'after' },
]

type Upstream = { readonly origin: string; readonly ca: Buffer }

function describe({ method = 'GET', url = '/', headers }: IncomingMessage): Asked {
  const watch = new URL(url, 'http://localhost').searchParams.get('watch') === 'true'
  return { method, path: url, watch, as: headers['impersonate-user']?.toString() ?? null }
}

function suffer(fault: Fault, asked: IncomingMessage, answer: ServerResponse, upstream: Upstream): void {
  if (fault.kind === 'cut' && fault.when === 'after') pass(asked, answer, upstream, true)
  else asked.resume()
  if (fault.kind === 'cut' && fault.when === 'before') asked.socket.destroy()
  if (fault.kind === 'status') refuse(answer, fault)
  if (fault.kind === 'expired') {
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.end(`${JSON.stringify({ type: 'ERROR', object: failure('Expired', 410) })}\n`)
  }
}

function refuse(answer: ServerResponse, { status, retryAfterSeconds }: Extract<Fault, { kind: 'status' }>): void {
  const after = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  answer.writeHead(status, { 'content-type': 'application/json', ...after })
  answer.end(JSON.stringify(failure(reasons[status], status)))
}

const failure = (reason: string, code: number) => {
  const message = 'the server is not well'
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message }
}

const reasons = { 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable' } as const

/** Passes a request on, and its answer back, unless that is lost. */
function pass(asked: IncomingMessage, answer: ServerResponse, { origin, ca }: Upstream, answerIsLost = false): void {
  const open = origin.startsWith('https:') ? secureRequest : request
  const sent = open(origin + (asked.url ?? '/'), { method: asked.method, headers: asked.headers, ca }, (given) => {
    if (answerIsLost) {
      given.resume()
      return void given.once('end', () => asked.socket.destroy())
    }
    answer.writeHead(given.statusCode ?? 502, given.headers)
    given.pipe(answer)
  })
  sent.once('error', () => asked.socket.destroy())
  answer.once('close', () => sent.destroy())
  asked.pipe(sent)
}
