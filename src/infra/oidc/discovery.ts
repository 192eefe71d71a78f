import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import type { Clock, Instant } from '../../core/instant.ts'

/** A provider that does not answer is asked again after this; until then everybody is told so at once. */
const failureKeptMs = 5_000
/** A token of an unknown key makes the keys be read again, at most this often (SECURITY.md). */
const unknownKeyMs = 30_000
/** A key that the provider withdrew is believed for as long. */
const keysKeptMs = 600_000
const timeoutMs = 5_000
const maxBytes = 256 * 1024

/** The provider cannot be asked, or what it says cannot be used. The message names the issuer and no token. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable'
}

/**
 * The keys of an issuer by OIDC discovery, read when the first token comes. It rejects with `ProviderUnavailable` where the
 * provider does not answer; a server starts and serves API keys without it.
 */
export function issuerKeys(issuer: string, clock: Clock): () => Promise<JWTVerifyGetKey> {
  const fetchGuarded = guardedFetch(issuer, clock)
  let found: Promise<JWTVerifyGetKey> | null = null
  return () => {
    found ??= discover(issuer, fetchGuarded).catch((error: unknown) => {
      found = null
      throw error
    })
    return found
  }
}

type GuardedFetch = (url: string) => Promise<Response>

async function discover(issuer: string, fetchGuarded: GuardedFetch): Promise<JWTVerifyGetKey> {
  const answer = await fetchGuarded(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const document: unknown = await answer.json().catch(() => null)
  const url = keysUrl(issuer, document)
  return createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: unknownKeyMs,
    cacheMaxAge: keysKeptMs,
    [customFetch]: fetchGuarded,
  })
}

/** Where a discovery document says the keys are. Throws for another issuer's document, and for keys in clear over a network. */
export function keysUrl(issuer: string, document: unknown): URL {
  const { issuer: named, jwks_uri: uri } = (document ?? {}) as {
    readonly issuer?: unknown
    readonly jwks_uri?: unknown
  }
  if (named !== issuer) throw new ProviderUnavailable(`the discovery document of ${issuer} is that of another issuer`)
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw new ProviderUnavailable(`${issuer} names no jwks_uri`)
  const url = new URL(uri)
  const secure = url.protocol === 'https:' || new URL(issuer).protocol === 'http:'
  if (!secure) throw new ProviderUnavailable(`the jwks_uri of ${issuer} is not https`)
  return url
}

/** Follows no redirect, reads a bounded body, and does not ask again for a while after a failure. */
function guardedFetch(issuer: string, clock: Clock): GuardedFetch {
  let failedAt: Instant | null = null
  return async (url) => {
    if (failedAt !== null && clock.now() - failedAt < failureKeptMs) throw unavailable(issuer)
    try {
      const answer = await boundedGet(url)
      failedAt = null
      return answer
    } catch {
      failedAt = clock.now()
      throw unavailable(issuer)
    }
  }
}

async function boundedGet(url: string): Promise<Response> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxBytes) throw new Error('too large')
  }
  return new Response(text, { status: 200, headers: { 'content-type': 'application/json' } })
}

const unavailable = (issuer: string): ProviderUnavailable =>
  new ProviderUnavailable(`the identity provider ${issuer} does not answer`)
