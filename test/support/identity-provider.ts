import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { type ClientMetadata, Provider } from 'oidc-provider'

/** A client of the provider, which gets these claims in its tokens. */
export type Caller = { readonly clientId: string; readonly claims: Readonly<Record<string, unknown>> }

/** A real OpenID provider on loopback, whose keys can be rotated and which can be broken. */
export type IdentityProvider = {
  readonly issuer: string
  /** How many times its keys were read. */
  keyReads(): number
  /** A token that the provider itself gives to a client. */
  token(clientId: string): Promise<string>
  /** A token signed with the provider's present key, with whatever is given: what a provider would never issue. */
  signed(payload: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** The public half of the present key, as it is published. */
  publicKey(): JWK
  /** New tokens are signed with a new key, and the one before is not published any more. */
  rotate(): Promise<void>
  /** What every request is answered with from now on; null: properly again. */
  breakWith(listener: RequestListener | null): void
  close(): Promise<void>
}

export const audience = 'flotilla'
const secret = 'a-client-secret-of-the-tests-1234'

export async function openIdentityProvider(callers: readonly Caller[]): Promise<IdentityProvider> {
  let broken: RequestListener | null = null
  let answer: RequestListener = () => undefined
  let reads = 0
  const server = createServer((request, response) => {
    if (request.url === '/jwks') reads += 1
    const listener = broken ?? answer
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let key = await newKey()
  const serve = () => {
    answer = providerOf(issuer, callers, key.jwk).callback()
  }
  serve()
  return {
    issuer,
    keyReads: () => reads,
    token: (clientId) => tokenOf(issuer, clientId),
    signed: (payload, header) =>
      new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header }).sign(key.privateKey),
    publicKey: () => ({ kty: 'RSA', kid: key.kid, ...(key.jwk.n ? { n: key.jwk.n } : {}), e: key.jwk.e ?? '' }),
    rotate: async () => {
      key = await newKey()
      serve()
    },
    breakWith: (listener) => {
      broken = listener
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomUUID()
  return { kid, privateKey, jwk: { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' } }
}

function providerOf(issuer: string, callers: readonly Caller[], jwk: JWK): Provider {
  const clients = callers.map(
    ({ clientId }): ClientMetadata => ({
      client_id: clientId,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }),
  )
  return new Provider(issuer, {
    clients,
    jwks: { keys: [jwk] },
    cookies: { keys: [randomUUID()] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600 }),
      },
    },
    extraTokenClaims: (_, token) => ({ ...callers.find(({ clientId }) => clientId === token.clientId)?.claims }),
  })
}

async function tokenOf(issuer: string, clientId: string): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'https://flotilla.example/api' }),
  })
  const { access_token: token } = (await answer.json()) as { readonly access_token?: string }
  if (token === undefined) throw new Error(`no token for ${clientId}: ${answer.status}`)
  return token
}
