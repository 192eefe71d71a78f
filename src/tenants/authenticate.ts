import type { Clock, Instant } from '../core/instant.ts'
import type { Principal, Uuid } from '../core/subject.ts'
import { inBatches, type Read } from '../infra/database/read-batches.ts'
import type { Db } from '../infra/database/types.ts'
import type { Log } from '../infra/log.ts'
import { keyIdOf } from './core/key-format.ts'
import { hashKey, matchesHash, sameBytes } from './key-secret.ts'
import { findKeys, type StoredKey, touchKeys } from './store/keys.ts'

/** A revoked key ends everywhere within 5 s (SECURITY.md): this, and a stream's heartbeat, stay below. */
const cachedMs = 1500
/** Use is noted at most this often. */
const touchMs = 60_000
const maxCached = 10_000

export type KeyDeps = { readonly db: Db; readonly clock: Clock; readonly log: Pick<Log, 'warn'> }

type Cached = {
  readonly key: StoredKey | null
  readonly principal: Principal | null
  readonly at: Instant
  /** The token that was found to fit: to compare it again takes a tenth of the time of its hash. */
  proven: Buffer | null
}

/**
 * Reads API keys. One that is unknown, expired or revoked is null. What the database said is believed for 1.5 s; a
 * database that does not answer is an error, never a yes. Keys that are asked for at once are read together: after a stall
 * every open stream asks, and one query each would keep the next answers waiting until what they say is too old again.
 */
export function keyAuthenticator(deps: KeyDeps) {
  const cache = new Map<Uuid, Cached>()
  const read = inBatches((ids: readonly Uuid[]) => readKeys(deps, ids))
  const judge = (cached: Cached, token: string): Principal | null => {
    const matches = fits(cached, token)
    return cached.key !== null && matches && isValid(cached.key, deps.clock.now()) ? cached.principal : null
  }
  return (token: string): Principal | null | Promise<Principal | null> => {
    const id = keyIdOf(token)
    const cached = cache.get(id)
    if (cached !== undefined && isFresh(cached, deps.clock.now())) return judge(cached, token)
    return load(deps.clock, read, cache, id).then((loaded) => judge(loaded, token))
  }
}

const isFresh = ({ at }: Cached, now: Instant): boolean => now - at < cachedMs && now >= at

/** Compared with when there is no key, so that unknown ids take as long as wrong secrets. */
const noHash = hashKey('')

function fits(cached: Cached, token: string): boolean {
  const sent = Buffer.from(token)
  if (cached.proven !== null && sameBytes(cached.proven, sent)) return true
  const matches = matchesHash(token, cached.key?.secretHash ?? noHash)
  if (matches && cached.key !== null) cached.proven = sent
  return matches
}

async function load(clock: Clock, read: Read<Uuid, StoredKey>, cache: Map<Uuid, Cached>, id: Uuid): Promise<Cached> {
  const now = clock.now()
  const key = (await read(id)) ?? null
  if (cache.size >= maxCached) cache.clear()
  const known = cache.get(id)
  // Others have asked for it as late as this.
  if (known !== undefined && known.at === now && known.key === key) return known
  const loaded: Cached = { key, principal: key && principalOf(key), at: now, proven: null }
  cache.set(id, loaded)
  return loaded
}

/** Keys as they are now; that they are used is noted beside, so that nobody waits for it and no caller fails by it. */
async function readKeys(deps: KeyDeps, ids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, StoredKey>> {
  const found = await findKeys(deps.db, ids)
  void noteUse(deps, found)
  return new Map(found.map((key) => [key.id, key]))
}

async function noteUse({ db, clock, log }: KeyDeps, keys: readonly StoredKey[]): Promise<void> {
  const now = clock.now()
  const used = keys.filter((key) => isValid(key, now) && now - (key.lastUsedAt ?? 0) >= touchMs)
  if (used.length === 0) return
  const ids = used.map(({ id }) => id)
  await touchKeys(db, ids, now).catch((err: unknown) => log.warn({ err }, 'the use of keys was not noted'))
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
