import { type Principal, type Role, roles, type Uuid } from '../../core/subject.ts'

/** What a verified token says, as far as it matters here. */
export type Claims = {
  readonly iss?: unknown
  readonly sub?: unknown
  readonly flotilla_role?: unknown
  readonly flotilla_tenants?: unknown
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const printable = /^[\x21-\x7e]{1,255}$/

/**
 * Who a verified token speaks for: `iss|sub`, with the role and the tenants of its claims (SPEC section 1). Null where the
 * claims give no role or no name: what is missing or malformed grants nothing, and no word stands for all tenants (SECURITY.md).
 */
export function principalOfClaims({ iss, sub, flotilla_role, flotilla_tenants }: Claims): Principal | null {
  const role = roles.find((each) => each === flotilla_role)
  if (role === undefined || typeof iss !== 'string' || typeof sub !== 'string' || !printable.test(sub)) return null
  const name = `${iss}|${sub}`
  return { id: `oidc:${name}`, name, role, tenants: tenantsOf(role, flotilla_tenants) }
}

/** Which claim is missing or malformed, of those of which `principalOfClaims` makes nobody. */
export function faultOfClaims({ iss, flotilla_role }: Claims): string {
  if (roles.every((role) => role !== flotilla_role)) return 'The token has no flotilla_role that is known here'
  if (typeof iss !== 'string') return 'The token has no iss'
  return 'The token must have a sub of 1 to 255 visible ASCII characters'
}

function tenantsOf(role: Role, claim: unknown): Principal['tenants'] {
  if (role === 'platform-admin') return 'all'
  const listed: readonly unknown[] = Array.isArray(claim) ? claim : []
  return listed.filter((each): each is Uuid => typeof each === 'string' && uuid.test(each))
}
