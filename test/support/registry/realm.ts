import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify, SignJWT } from 'jose'
import { type Identity, loadIdentity } from '../../../packages/practice-cluster/src/server/identity.ts'

export const user = 'reader'
export const password = 'canary-password'
export const basicOfUser = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
export const service = 'registry.test'
export const issuer = 'realm.test'

/** Where registries send those who need a token: it gives one to the user of the tests, and to nobody else. */
export class TokenRealm implements AsyncDisposable {
  /** How many seconds a token lasts. */
  lasts = 300
  readonly seen: { readonly scope: string | null; readonly authorization: string | undefined }[] = []
  readonly certificate: string
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  private constructor({ certificate, key }: Identity) {
    this.certificate = certificate
    this.#private = createPrivateKey(key)
    this.#public = createPublicKey(certificate)
  }

  /** `folder` is where its key is. */
  static async start(folder: string): Promise<TokenRealm> {
    const realm = new TokenRealm(await loadIdentity(folder, new Date()))
    await new Promise<void>((resolve) => realm.#server.listen(0, '127.0.0.1', resolve))
    return realm
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get url(): string {
    return `http://${this.host}/token`
  }

  /** Whether a token of this realm allows an action on a repository. */
  async allows(token: string, name: string, action: string): Promise<boolean> {
    const verified = await jwtVerify<{ access: Access[] }>(token, this.#public, { audience: service }).catch(() => null)
    return verified?.payload.access.some((one) => one.name === name && one.actions.includes(action)) ?? false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer({ url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(url ?? '/', this.url).searchParams
    this.seen.push({ scope: asked.get('scope'), authorization: headers.authorization })
    if (headers.authorization !== basicOfUser) return void response.writeHead(401).end('canary-in-a-body')
    const token = await this.#token(asked.getAll('scope'))
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ token, expires_in: this.lasts }))
  }

  #token(scopes: readonly string[]): Promise<string> {
    return new SignJWT({ access: scopes.flatMap(accessOf) })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: keyId(this.#public) })
      .setIssuer(issuer)
      .setSubject(user)
      .setAudience(service)
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore('-1m')
      .setExpirationTime('5m')
      .sign(this.#private)
  }
}

type Access = { readonly type: string; readonly name: string; readonly actions: readonly string[] }

function accessOf(scope: string): readonly Access[] {
  const [, type = '', name = '', actions = ''] = /^(\w+):(.+):([\w,*]+)$/.exec(scope) ?? []
  return [{ type, name, actions: actions.split(',') }]
}

/** How the registry of the distribution project names a key. */
function keyId(key: KeyObject): string {
  const digest = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 30)
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const text = (bits.match(/.{5}/g) ?? []).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five, 2)])
  return (text.join('').match(/.{4}/g) ?? []).join(':')
}
