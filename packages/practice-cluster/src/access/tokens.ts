import { createHmac, timingSafeEqual } from 'node:crypto'
import { types } from '../resources/table.ts'
import type { KubeObject, Store } from '../store/types.ts'
import { accountUser, admin, type User } from './user.ts'

type Claims = {
  readonly sub: string
  readonly aud: readonly string[]
  readonly exp: number
  readonly 'kubernetes.io': { readonly namespace: string; readonly serviceaccount: Named }
}
type Named = { readonly name: string; readonly uid: string }

/** The audience of tokens that are made without one. */
export const AUDIENCE = 'https://kubernetes.default.svc'

const HEADER = base64(JSON.stringify({ alg: 'HS256', typ: 'JWT' }))

/** Tells who a bearer token belongs to: the cluster's admin, or a ServiceAccount that a token was made for. */
export class Tokens {
  readonly #secret: string
  readonly #store: Pick<Store, 'get'>
  readonly #now: () => Date

  constructor(secret: string, store: Pick<Store, 'get'>, now: () => Date) {
    this.#secret = secret
    this.#store = store
    this.#now = now
  }

  /** A token for a ServiceAccount. */
  issue({ metadata }: KubeObject, seconds: number, audiences: readonly string[]): { token: string; expires: Date } {
    const { namespace = '', name, uid } = metadata
    const exp = Math.floor(this.#now().getTime() / 1000) + seconds
    const claims: Claims = {
      sub: `system:serviceaccount:${namespace}:${name}`,
      aud: audiences,
      exp,
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
    }
    const signed = `${HEADER}.${base64(JSON.stringify(claims))}`
    return { token: `${signed}.${this.#sign(signed)}`, expires: new Date(exp * 1000) }
  }

  /** The user of an `Authorization` header. */
  userOf(header: string | undefined): User | undefined {
    const token = header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : ''
    if (isSame(token, this.#secret)) return admin
    const [head, body, signature, ...more] = token.split('.')
    if (head === undefined || body === undefined || signature === undefined || more.length > 0) return undefined
    return isSame(signature, this.#sign(`${head}.${body}`)) ? this.#account(body) : undefined
  }

  /** A token is worth nothing once it has expired, was made for others, or its ServiceAccount is gone. */
  #account(body: string): User | undefined {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims
    const { namespace, serviceaccount } = claims['kubernetes.io']
    const live = this.#store.get(types.serviceaccounts, namespace, serviceaccount.name)
    const over = claims.exp * 1000 <= this.#now().getTime() || !claims.aud.includes(AUDIENCE)
    if (over || live?.metadata.uid !== serviceaccount.uid) return undefined
    return accountUser(namespace, serviceaccount.name, serviceaccount.uid)
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url')
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url')
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
