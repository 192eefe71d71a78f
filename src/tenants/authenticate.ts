import type { Clock, Instant } from '../core/instant.ts'
import type { Principal, Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import { keyIdOf } from './core/key-format.ts'
import { hashKey, matchesHash } from './key-secret.ts'
import { findKey, type StoredKey, touchKey } from './store/keys.ts'

/** A revoked key ends everywhere within 5 s (SECURITY.md): this, and a stream's heartbeat, stay below. */
const cachedMs = 1500
/** Use is noted at most this often. */
const touchMs = 60_000
const maxCached = 10_000

type Cached = { readonly key: StoredKey | null; readonly at: Instant }

/**
 * Reads API keys. One that is unknown, expired or revoked is null. What the database said is believed for 1.5 s; a
 * database that does not answer is an error, never a yes.
 */
export function keyAuthenticator(deps: { readonly db: Db; readonly clock: Clock }) {
  const cache = new Map<Uuid, Cached>()
  return async (token: string): Promise<Principal | null> => {
    const key = await load(deps, cache, keyIdOf(token))
    const matches = matchesHash(token, key?.secretHash ?? noHash)
    return key !== null && matches && isValid(key, deps.clock.now()) ? principalOf(key) : null
  }
}

/** Compared with when there is no key, so that unknown ids take as long as wrong secrets. */
const noHash = hashKey('')

async function load(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  cache: Map<Uuid, Cached>,
  id: Uuid,
): Promise<StoredKey | null> {
  const now = clock.now()
  const cached = cache.get(id)
  if (cached && now - cached.at < cachedMs && now >= cached.at) return cached.key
  const key = await findKey(db, id)
  if (cache.size >= maxCached) cache.clear()
  cache.set(id, { key, at: now })
  if (key && isValid(key, now) && now - (key.lastUsedAt ?? 0) >= touchMs) await touchKey(db, id, now)
  return key
}

function isValid(key: StoredKey, now: Instant): boolean {
  return key.revokedAt === null && (key.expiresAt === null || now < key.expiresAt)
}

function principalOf(key: StoredKey): Principal {
  return {
    id: `key:${key.id}`,
    name: key.name,
    role: key.role,
    tenants: key.role === 'platform-admin' ? 'all' : key.tenants,
  }
}
