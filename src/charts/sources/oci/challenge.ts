/** What a registry asks for in `WWW-Authenticate`. */
export type Challenge =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | null }

/** Reads a challenge; null when there is none that is understood. Bearer goes before Basic where both are offered. */
export function readChallenge(header: string | null): Challenge | null {
  const bearer = /(?:^|,)\s*bearer\s+(.*)$/i.exec(header ?? '')?.[1]
  if (bearer !== undefined) {
    const realm = parameter(bearer, 'realm') ?? ''
    if (URL.canParse(realm)) return { kind: 'bearer', realm: new URL(realm), service: parameter(bearer, 'service') }
  }
  return /(?:^|,)\s*basic(?:\s|$)/i.test(header ?? '') ? { kind: 'basic' } : null
}

function parameter(text: string, name: string): string | null {
  const found = new RegExp(`(?:^|[\\s,])${name}=(?:"([^"]*)"|([^\\s,"]+))`, 'i').exec(text)
  return found?.[1] ?? found?.[2] ?? null
}

/** Where a token is asked for: with the scope that we need, whatever the registry would have us ask for. */
export function tokenUrl({ realm, service }: Challenge & { kind: 'bearer' }, scope: string): URL {
  const url = new URL(realm)
  if (service !== null) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope)
  return url
}

/**
 * Why a realm may not be asked for a token; null when it may. It is a stranger's text: without `authHosts` it must be at
 * the registry's own scheme, host and port, and it is never reached with less than the registry's own protection.
 */
export function realmFault(realm: URL, origin: string, authHosts: readonly string[]): string | null {
  if (realm.origin === origin) return null
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && origin.startsWith('http:'))) {
    return 'its token realm is not https'
  }
  return authHosts.includes(realm.host) ? null : `its token realm ${realm.host} is not in authHosts`
}
