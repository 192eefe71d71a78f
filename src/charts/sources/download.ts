import { Agent, request } from 'undici'
import { addressesWithin, pinned, type Reach, type Resolve, reachOf } from '../../infra/net/reach.ts'
import type { SourceCredentials } from '../types.ts'

/** How a repository is asked. `origin` is its own scheme, host and port: the only place that sees the credentials. */
export type DownloadOptions = {
  readonly origin: string
  readonly credentials: SourceCredentials | null
  readonly resolve: Resolve
  readonly timeoutMs: number
}

export type Downloaded =
  | { readonly kind: 'body'; readonly body: Buffer; readonly etag: string | null }
  | { readonly kind: 'unchanged' }

type Answer = Downloaded | { readonly kind: 'elsewhere'; readonly url: URL }

const redirectLimit = 5

/**
 * Downloads at most `limit` bytes, following a few redirects. Throws an Error whose text holds neither credentials nor
 * anything of the answer but its status. Link-local addresses are never asked, and a host other than the repository's
 * own is asked in private networks only when the repository itself is in one: an index is a stranger's text.
 */
export async function download(
  start: URL,
  limit: number,
  etag: string | null,
  options: DownloadOptions,
): Promise<Downloaded> {
  const signal = AbortSignal.timeout(options.timeoutMs)
  let url = start
  for (let hops = 0; hops <= redirectLimit; hops += 1) {
    const answer = await ask(url, limit, etag, options, signal)
    if (answer.kind !== 'elsewhere') return answer
    url = answer.url
  }
  throw new Error('it redirects too often')
}

async function ask(
  url: URL,
  limit: number,
  etag: string | null,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const agent = await agentFor(url, options)
  try {
    const answer = await request(url, { dispatcher: agent, signal, headers: headersFor(url, etag, options) })
    const location = answer.headers.location
    const redirected = answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string'
    if (answer.statusCode === 304 && etag !== null) return { kind: 'unchanged' }
    if (redirected) return { kind: 'elsewhere', url: nextUrl(url, location) }
    if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode}`)
    return { kind: 'body', body: await bounded(answer.body, limit), etag: header(answer.headers.etag) }
  } finally {
    await agent.destroy()
  }
}

async function agentFor(url: URL, { origin, resolve, timeoutMs }: DownloadOptions): Promise<Agent> {
  const own = url.origin === origin
  const allowed: readonly Reach[] = own || (await isPrivate(origin, resolve)) ? ['public', 'private'] : ['public']
  const addresses = await addressesWithin(url.hostname, allowed, resolve)
  return new Agent({ connect: { lookup: pinned(addresses), timeout: timeoutMs }, headersTimeout: timeoutMs })
}

async function isPrivate(origin: string, resolve: Resolve): Promise<boolean> {
  const addresses = await addressesWithin(new URL(origin).hostname, ['public', 'private'], resolve)
  return addresses.every(({ address }) => reachOf(address) === 'private')
}

function headersFor(url: URL, etag: string | null, { origin, credentials }: DownloadOptions): Record<string, string> {
  const headers: Record<string, string> = { accept: '*/*', 'user-agent': 'flotilla' }
  if (etag !== null) headers['if-none-match'] = etag
  if (credentials !== null && url.origin === origin) headers.authorization = authorization(credentials)
  return headers
}

function authorization(credentials: SourceCredentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

function nextUrl(from: URL, location: string): URL {
  const next = new URL(location, from)
  const downgrade = from.protocol === 'https:' && next.protocol !== 'https:'
  if (downgrade || !/^https?:$/.test(next.protocol)) throw new Error('it redirects to another scheme')
  return next
}

async function bounded(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw new Error(`its answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const header = (value: string | string[] | undefined): string | null => (typeof value === 'string' ? value : null)
