import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { recordAudit } from '../audit.ts'
import type { Caller, TenantDeps } from '../deps.ts'
import { findKey, lockAdminKeys, markRevoked } from '../store/keys.ts'

/**
 * Revokes an API key; one that is revoked already stays so. Servers notice within 5 s. Throws `not_found`, and
 * `last_admin_key` for the only admin key that is valid: nobody could make another.
 */
export async function revokeKey(deps: TenantDeps, { principal, reason }: Caller, id: Uuid): Promise<void> {
  const now = deps.clock.now()
  await transaction(deps.db, async (tx) => {
    const admins = await lockAdminKeys(tx, now)
    if ((await findKey(tx, id)) === null) throw new Problem('not_found', `There is no API key ${id}`)
    if (admins.length === 1 && admins[0] === id)
      throw new Problem('last_admin_key', 'Make another admin key first, then revoke this one with it')
    if (await markRevoked(tx, id, now))
      await recordAudit(tx, deps, { principal, reason, action: 'api-key.revoked', subject: `api-key/${id}` })
  })
}
