import { type Config, ConfigError } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Json } from '../core/json.ts'
import { remember, remembered, rememberOnce, sealedWith } from '../infra/database/installation.ts'
import type { Db } from '../infra/database/types.ts'
import { createKey, type FoundKey, findKey, keyFile, otherKey } from '../infra/secrets/key.ts'
import { createVault, sealHeader, type VaultKey } from '../infra/secrets/vault.ts'

/** The key that seals, and, while keys are changed, another one that opens too. */
export type Keys = readonly [VaultKey, ...VaultKey[]]

/** What is sealed once with the key of an installation, so that another key is known at the start by not opening it. */
const checkName = 'key-check'
const secretName = 'signing-secret'
const nothing = Buffer.alloc(0)

/**
 * The keys that a database is sealed with; the first one made where there is neither a key nor anything sealed. Throws `ConfigError`,
 * naming the variable or the file, for a key that does not fit, that is too short, or that is missing: what is stored
 * could not be read, and what is written meanwhile would need another key than the rest.
 */
export async function openKeys(config: Config, db: Db, clock: Clock): Promise<Keys> {
  const { home, secretKey, otherSecretKey } = config
  // Read before the file is: whoever writes the check has made the file by then.
  const check = await remembered(db, checkName)
  const isNew = check === null && !(await sealedWith(db, nothing)).any
  const found = naming(() => findKey(home, secretKey ?? undefined) ?? (isNew ? createKey(home) : null))
  if (found === null) throw missing(home)
  const other = otherSecretKey === null ? null : naming(() => otherKey(otherSecretKey))
  // The same key twice is no rotation.
  const keys: Keys = other === null || other.id.equals(found.key.id) ? [found.key] : [found.key, other]
  if (!(await fits(db, keys, check, clock))) throw doesNotFit(found)
  return keys
}

/**
 * What cursors, previews and keyed requests are signed with. It outlives a change of keys, so that a request that is
 * repeated across one still gets its first answer: it is made of the first key of an installation, and kept sealed.
 */
export async function signingSecret(db: Db, keys: Keys, clock: Clock): Promise<Buffer> {
  const made = sealedSecret(keys[0], (keys.at(-1) ?? keys[0]).secret)
  const kept = await rememberOnce(db, secretName, made, clock.now())
  return Buffer.from(String(createVault(keys).open(Buffer.from(String(kept), 'base64'), secretName)), 'base64')
}

const sealedSecret = (key: VaultKey, secret: Buffer): string =>
  createVault([key]).seal(secret.toString('base64'), secretName).toString('base64')

/** Remembers that everything is sealed with the first key: from now on it alone is enough, and another is refused. */
export async function settleOn(db: Db, keys: Keys, clock: Clock): Promise<void> {
  const secret = await signingSecret(db, keys, clock)
  await remember(db, secretName, sealedSecret(keys[0], secret), clock.now())
  await remember(db, checkName, checkOf(keys[0]), clock.now())
}

const checkOf = (key: VaultKey): string => createVault([key]).seal(checkName, checkName).toString('base64')

/** A database of before there was a check gets one from a key that sealed something of what it holds. */
async function fits(db: Db, keys: Keys, check: Json, clock: Clock): Promise<boolean> {
  const vault = createVault(keys)
  const key = check === null ? await sealerOf(db, keys) : keys[0]
  if (key === null) return false
  const kept = check ?? (await rememberOnce(db, checkName, checkOf(key), clock.now()))
  try {
    return vault.open(Buffer.from(String(kept), 'base64'), checkName) === checkName
  } catch {
    return false
  }
}

/** The key that something stored was sealed with, the last one first; the first one where nothing is; else null. */
async function sealerOf(db: Db, keys: Keys): Promise<VaultKey | null> {
  for (const key of keys.toReversed()) {
    const { any, own } = await sealedWith(db, sealHeader(key))
    if (!any) return keys[0]
    if (own) return key
  }
  return null
}

function naming<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : 'the secret key cannot be read')
  }
}

function missing(home: string): ConfigError {
  return new ConfigError(
    `FLOTILLA_SECRET_KEY is not set and ${keyFile(home)} is missing: what is stored is sealed with a key, put it back`,
  )
}

function doesNotFit({ source }: FoundKey): ConfigError {
  return new ConfigError(`${source} is not the key that what is stored was sealed with`)
}
