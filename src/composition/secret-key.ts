import { type Config, ConfigError } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Json } from '../core/json.ts'
import { remembered, rememberOnce, sealedWith } from '../infra/database/installation.ts'
import type { Db } from '../infra/database/types.ts'
import { createKey, type FoundKey, findKey, keyFile } from '../infra/secrets/key.ts'
import { createVault, sealHeader, type VaultKey } from '../infra/secrets/vault.ts'

/** What is sealed once with the key of an installation, so that another key is known at the start by not opening it. */
const checkName = 'key-check'
const nothing = Buffer.alloc(0)

/**
 * The key that a database is sealed with; made where there is neither a key nor anything sealed. Throws `ConfigError`,
 * naming the variable or the file, for a key that does not fit, that is too short, or that is missing: what is stored
 * could not be read, and what is written meanwhile would need another key than the rest.
 */
export async function openKey({ home, secretKey }: Config, db: Db, clock: Clock): Promise<VaultKey> {
  // Read before the file is: whoever writes the check has made the file by then.
  const check = await remembered(db, checkName)
  const isNew = check === null && !(await sealedWith(db, nothing)).any
  const found = naming(() => findKey(home, secretKey ?? undefined) ?? (isNew ? createKey(home) : null))
  if (found === null) throw missing(home)
  if (!(await fits(db, found, check, clock))) throw doesNotFit(found)
  return found.key
}

/** A database of before there was a check gets one from a key that sealed something of what it holds. */
async function fits(db: Db, { key }: FoundKey, check: Json, clock: Clock): Promise<boolean> {
  const vault = createVault([key])
  const sealed = check === null ? await sealedWith(db, sealHeader(key)) : null
  if (sealed?.any === true && !sealed.own) return false
  const made = vault.seal(checkName, checkName).toString('base64')
  const kept = check ?? (await rememberOnce(db, checkName, made, clock.now()))
  try {
    return vault.open(Buffer.from(String(kept), 'base64'), checkName) === checkName
  } catch {
    return false
  }
}

function naming(read: () => FoundKey | null): FoundKey | null {
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
