import { Agent, request } from 'undici'
import type { Problem } from '../../core/problems.ts'
import { addressesWithin, pinned, type Reach, type Resolve, reachOf } from '../../infra/net/reach.ts'
import { unlessAborted } from '../../infra/unless-aborted.ts'

/** Where a source is. `origin` is its own scheme, host and port. */
export type Home = { readonly origin: string; readonly resolve: Resolve }

/** What may be sent to one scheme, host and port only. */
export type Authorization = { readonly origin: string; readonly value: string }

export type Asking = {
  /** When the whole work ends, redirects and body included. */
  readonly signal: AbortSignal
  /** More bytes than these are not read. */
  readonly limit: number
  readonly authorization?: Authorization | null
  readonly accept?: string
  readonly etag?: string | null
  /** A further host and port that a platform admin named: it may be in a private network like the source itself. */
  readonly trusted?: string
  /** False: a redirect is an answer like any other. */
  readonly follow?: boolean
}

export type Reply = {
  readonly status: number
  /** Whether it is the source's own answer, and not that of a host it redirected to. */
  readonly own: boolean
  readonly body: Buffer
  readonly header: (name: string) => string | null
}

const redirectLimit = 5

/** An answer has more bytes than were asked for. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
  readonly status: number

  constructor(status: number, limit: number) {
    super(`its answer is larger than ${limit} bytes`)
    this.status = status
  }
}

/** What was asked for, or a refusal of what was sent: a source that sends more than it may is not down. */
export async function orTooLarge(asked: Promise<Reply>, refusal: () => Problem): Promise<Reply> {
  try {
    return await asked
  } catch (error) {
    throw error instanceof AnswerTooLarge && error.status === 200 ? refusal() : error
  }
}

/**
 * Asks by GET and follows a few redirects. Throws an Error whose text holds neither credentials nor anything of the
 * answer. Link-local addresses are never asked, and a host other than the source's own is asked in private networks only
 * when the source itself is in one: an index is a stranger's text.
 */
export async function ask(start: URL, home: Home, asking: Asking): Promise<Reply> {
  let url = start
  for (let hops = 0; hops <= redirectLimit; hops += 1) {
    const answer = await askOnce(url, home, asking)
    if (!(answer instanceof URL)) return answer
    url = answer
  }
  throw new Error('it redirects too often')
}

/** One answer; the address of a redirect when it is one. */
async function askOnce(url: URL, home: Home, asking: Asking): Promise<Reply | URL> {
  const agent = await unlessAborted(agentFor(url, home, asking), asking.signal)
  try {
    const { signal } = asking
    const answer = await unlessAborted(
      request(url, { dispatcher: agent, signal, headers: headersFor(url, asking) }),
      signal,
    )
    const header = (name: string) => firstOf(answer.headers[name])
    const location = header('location')
    const redirected = answer.statusCode >= 300 && answer.statusCode < 400 && answer.statusCode !== 304
    if (redirected && location !== null && asking.follow !== false) return nextUrl(url, location)
    const body = await bounded(answer.body, asking.limit, answer.statusCode)
    return { status: answer.statusCode, own: url.origin === home.origin, body, header }
  } finally {
    await agent.destroy()
  }
}

async function agentFor(url: URL, { origin, resolve }: Home, { trusted }: Asking): Promise<Agent> {
  const near = url.origin === origin || url.host === trusted || (await isPrivate(origin, resolve))
  const allowed: readonly Reach[] = near ? ['public', 'private'] : ['public']
  const addresses = await addressesWithin(url.hostname, allowed, resolve)
  // The signal is the only limit of time: those of undici would cut what it still allows.
  return new Agent({ connect: { lookup: pinned(addresses), timeout: 0 }, headersTimeout: 0, bodyTimeout: 0 })
}

async function isPrivate(origin: string, resolve: Resolve): Promise<boolean> {
  const addresses = await addressesWithin(new URL(origin).hostname, ['public', 'private'], resolve)
  return addresses.every(({ address }) => reachOf(address) === 'private')
}

function headersFor(url: URL, { accept, etag, authorization }: Asking): Record<string, string> {
  const headers: Record<string, string> = { accept: accept ?? '*/*', 'user-agent': 'flotilla' }
  if (typeof etag === 'string') headers['if-none-match'] = etag
  if (authorization?.origin === url.origin) headers.authorization = authorization.value
  return headers
}

function nextUrl(from: URL, location: string): URL {
  const next = new URL(location, from)
  const downgrade = from.protocol === 'https:' && next.protocol !== 'https:'
  if (downgrade || !/^https?:$/.test(next.protocol)) throw new Error('it redirects to another scheme')
  return next
}

async function bounded(body: AsyncIterable<Uint8Array>, limit: number, status: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw new AnswerTooLarge(status, limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const firstOf = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value.join(', ') : value) ?? null
