import type { Instant } from '../../core/instant.ts'
import { malformed, Problem } from '../../core/problems.ts'
import type { Principal, Role, Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { recordAudit } from '../audit.ts'
import { mayGrant, maySee } from '../core/permissions.ts'
import { noSuchTenant } from '../core/placement.ts'
import type { Caller, OnDone, TenantDeps } from '../deps.ts'
import { hashKey, newKey } from '../key-secret.ts'
import { type ApiKey, insertKey } from '../store/keys.ts'
import { existingTenants } from '../store/tenants.ts'

export type NewKey = {
  readonly name: string
  readonly role: Role
  readonly tenants: readonly Uuid[]
  readonly expiresAt: Instant | null
}

/** A key with its secret: the only moment at which it is known. */
export type CreatedKey = ApiKey & { readonly key: string }

/**
 * Makes an API key. Throws `malformed` for tenants that do not fit the role or a past expiry, `not_found` for a tenant
 * that is unknown to the caller, `forbidden` for more than the caller holds.
 */
export async function createKey(
  deps: TenantDeps,
  { principal, reason }: Caller,
  wanted: NewKey,
  onDone: OnDone<CreatedKey>,
): Promise<CreatedKey> {
  const now = deps.clock.now()
  checkForm(wanted, now)
  const unseen = wanted.tenants.find((tenant) => !maySee(principal, tenant))
  if (unseen !== undefined) throw noSuchTenant(unseen)
  if (!mayGrant(principal, wanted.role, grantedTenants(wanted)))
    throw new Problem('forbidden', 'Nobody grants more than they hold')
  const made = makeKey(deps, principal, wanted, now)
  await transaction(deps.db, async (tx) => {
    await refuseUnknownTenants(tx, wanted.tenants)
    await insertKey(tx, { ...made, secretHash: hashKey(made.key) })
    await recordAudit(tx, deps, { principal, reason, action: 'api-key.created', subject: `api-key/${made.id}` })
    await onDone(tx, made)
  })
  return made
}

function checkForm({ role, tenants, expiresAt }: NewKey, now: Instant): void {
  if (role === 'platform-admin' && tenants.length > 0) throw malformed('/tenants', 'a platform-admin has all of them')
  if (role !== 'platform-admin' && tenants.length === 0) throw malformed('/tenants', `a ${role} needs at least one`)
  if (expiresAt !== null && expiresAt <= now) throw malformed('/expiresAt', 'must be in the future')
}

const grantedTenants = ({ role, tenants }: NewKey): Principal['tenants'] =>
  role === 'platform-admin' ? 'all' : tenants

async function refuseUnknownTenants(tx: Tx, tenants: readonly Uuid[]): Promise<void> {
  const known = await existingTenants(tx, tenants)
  const unknown = tenants.find((tenant) => !known.has(tenant))
  if (unknown !== undefined) throw noSuchTenant(unknown)
}

function makeKey(deps: TenantDeps, principal: Principal, wanted: NewKey, now: Instant): CreatedKey {
  const id = deps.newId()
  return {
    ...wanted,
    id,
    tenants: [...new Set(wanted.tenants)],
    createdBy: principal.name,
    createdAt: now,
    lastUsedAt: null,
    revokedAt: null,
    key: newKey(id),
  }
}
