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
 * claims give no role: what is missing or malformed grants nothing, and no word stands for all tenants (SECURITY.md).
 */
export function principalOfClaims({ iss, sub, flotilla_role, flotilla_tenants }: Claims): Principal | null {
  const role = roles.find((each) => each === flotilla_role)
  if (role === undefined || typeof iss !== 'string' || typeof sub !== 'string' || !printable.test(sub)) return null
  const name = `${iss}|${sub}`
  return { id: `oidc:${name}`, name, role, tenants: tenantsOf(role, flotilla_tenants) }
}

function tenantsOf(role: Role, claim: unknown): Principal['tenants'] {
  if (role === 'platform-admin') return 'all'
  const listed: readonly unknown[] = Array.isArray(claim) ? claim : []
  return listed.filter((each): each is Uuid => typeof each === 'string' && uuid.test(each))
}
