import type { IncomingHttpHeaders } from 'node:http'
import { badRequest } from '../api/status.ts'
import type { Store } from '../store/types.ts'
import { requireAllowed } from './authorize.ts'
import type { Attributes } from './rules.ts'
import { AUTHENTICATED, accountGroups, accountOf, type User } from './user.ts'

const EXTRA = 'impersonate-extra-'

type Wanted = {
  readonly user: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/**
 * Who the request is made as: the user of the `Impersonate-*` headers, or the caller when there are none.
 * @throws ApiError 403 when the caller may not impersonate one of them, 400 when they name no user.
 */
export function impersonated(store: Pick<Store, 'get' | 'list'>, caller: User, request: Headers): User {
  const wanted = readWanted(request)
  if (wanted === undefined) return caller
  for (const each of requirements(wanted)) requireAllowed(store, caller, each)
  return asUser(wanted)
}

type Headers = { readonly headers: IncomingHttpHeaders; readonly headersDistinct: NodeJS.Dict<string[]> }

function readWanted({ headersDistinct: all }: Headers): Wanted | undefined {
  const [user = ''] = all['impersonate-user'] ?? []
  const [uid = ''] = all['impersonate-uid'] ?? []
  const groups = all['impersonate-group'] ?? []
  const keys = Object.keys(all).filter((name) => name.startsWith(EXTRA))
  const extra = Object.fromEntries(keys.map((key) => [decodeURIComponent(key.slice(EXTRA.length)), all[key] ?? []]))
  if (user !== '') return { user, uid, groups, extra }
  if (uid === '' && groups.length === 0 && keys.length === 0) return undefined
  throw badRequest(`requested [${printed({ uid, groups, extra }).join(' ')}] without impersonating a user`)
}

/** As a real API server prints what was asked for: references to objects, with most of their fields empty. */
function printed({ uid, groups, extra }: Omit<Wanted, 'user'>): readonly string[] {
  const reference = (kind: string, name: string, key = '') => `{${kind}  ${name}  authentication.k8s.io/v1  ${key}}`
  return [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => reference('UserExtra', value, key))),
    ...(uid === '' ? [] : [reference('UID', uid)]),
  ]
}

function requirements({ user, uid, groups, extra }: Wanted): readonly Attributes[] {
  const account = accountOf(user)
  const who =
    account === undefined
      ? impersonation('users', user)
      : { ...impersonation('serviceaccounts', account.name), ...account }
  const extras = Object.entries(extra).flatMap(([key, values]) =>
    values.map((value) => ({ ...ofAuthentication('userextras', value), subresource: key })),
  )
  const uids = uid === '' ? [] : [ofAuthentication('uids', uid)]
  return [who, ...groups.map((group) => impersonation('groups', group)), ...extras, ...uids]
}

function impersonation(resource: string, name: string) {
  return { kind: 'resource', verb: 'impersonate', group: '', resource, subresource: '', namespace: '', name } as const
}

const ofAuthentication = (resource: string, name: string) => ({
  ...impersonation(resource, name),
  group: 'authentication.k8s.io',
})

function asUser({ user, uid, groups, extra }: Wanted): User {
  const account = accountOf(user)
  const own = groups.length === 0 && account !== undefined ? accountGroups(account.namespace) : groups
  const all = own.includes(AUTHENTICATED) ? own : [...own, AUTHENTICATED]
  return {
    name: user,
    groups: all,
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}
