import { z } from 'zod'
import { type Clock, seconds } from '../../../core/instant.ts'
import { Lru } from '../../../core/lru.ts'
import type { Resolve } from '../../../infra/net/reach.ts'
import type { SourceCredentials } from '../../types.ts'
import { authorizationOf } from '../credentials.ts'
import { type Authorization, ask, type Reply } from '../request.ts'
import { type Challenge, readChallenge, realmFault, tokenUrl } from './challenge.ts'

export type RegistryParts = {
  readonly origin: string
  readonly credentials: SourceCredentials | null
  readonly authHosts: readonly string[]
  readonly resolve: Resolve
  readonly clock: Clock
}

export type Request = {
  readonly url: URL
  /** What the token must allow. */
  readonly scope: string
  readonly accept: string
  readonly limit: number
  readonly signal: AbortSignal
}

/** A registry as an HTTP server that asks who is there: by Basic, or by a token of a realm. */
export type Registry = {
  readonly origin: string
  /** An answer, whatever its status. */
  get(request: Request): Promise<Reply>
}

const tokenBytes = 256 * 1024
const answerOfRealm = z
  .looseObject({
    token: z.string().optional(),
    access_token: z.string().optional(),
    expires_in: z.number().min(0).optional(),
  })
  .transform(({ token, access_token, expires_in }) => ({ token: token ?? access_token, lasts: expires_in ?? 60 }))

type Token = { readonly authorization: Authorization; readonly until: number }

export function openRegistry({ origin, credentials, authHosts, resolve, clock }: RegistryParts): Registry {
  const home = { origin, resolve }
  const tokens = new Lru<Token>(1_000)
  const given = credentials === null ? null : authorizationOf(credentials)
  /** A token that was given is sent at once; a password when it is asked for, from then on at once. */
  let own: Authorization | null = credentials?.kind === 'bearer' && given !== null ? { origin, value: given } : null

  function known(scope: string): Authorization | null {
    const token = tokens.get(scope)
    return own ?? (token !== undefined && clock.now() < token.until ? token.authorization : null)
  }

  async function answerTo(challenge: Challenge, { scope, signal }: Request): Promise<Authorization | null> {
    if (challenge.kind === 'bearer') return credentials?.kind === 'bearer' ? null : token(challenge, scope, signal)
    if (credentials?.kind !== 'basic' || given === null || own !== null) return null
    own = { origin, value: given }
    return own
  }

  async function token(challenge: Challenge & { kind: 'bearer' }, scope: string, signal: AbortSignal) {
    const { realm } = challenge
    const fault = realmFault(realm, origin, authHosts)
    if (fault !== null) throw new Error(fault)
    const authorization = given === null ? null : { origin: realm.origin, value: given }
    const asking = { signal, limit: tokenBytes, authorization, trusted: realm.host, follow: false }
    const reply = await ask(tokenUrl(challenge, scope), home, asking)
    if (reply.status !== 200) throw new Error(`its token realm answered ${reply.status}`)
    const { value, lasts } = readToken(reply.body)
    const kept: Token = {
      authorization: { origin, value: `Bearer ${value}` },
      until: clock.now() + seconds(Math.min(lasts, 3_600) * 0.8),
    }
    tokens.set(scope, kept)
    return kept.authorization
  }

  return {
    origin,
    async get(request) {
      const { url, scope, accept, limit, signal } = request
      const send = (authorization: Authorization | null) => ask(url, home, { signal, limit, accept, authorization })
      const first = await send(known(scope))
      if (first.status !== 401 || !first.own) return first
      const challenge = readChallenge(first.header('www-authenticate'))
      const authorization = challenge === null ? null : await answerTo(challenge, request)
      return authorization === null ? first : send(authorization)
    },
  }
}

function readToken(body: Buffer): { readonly value: string; readonly lasts: number } {
  const { token, lasts } = parsed(body)
  // What cannot stand in a header is no token.
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return { value: token, lasts }
  throw new Error('its token realm gave no token')
}

function parsed(body: Buffer): z.output<typeof answerOfRealm> {
  try {
    return answerOfRealm.parse(JSON.parse(body.toString('utf8')))
  } catch {
    return { token: undefined, lasts: 0 }
  }
}
