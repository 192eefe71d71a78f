import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Json } from '../../core/json.ts'

/**
 * A key of 32 bytes. Its id, made from it, is stored with what it sealed, so that a wrong key is told apart. `cipherKey` is
 * the same as Node's ciphers take it best: bytes cost each of them five times as much.
 */
export type VaultKey = { readonly id: Buffer; readonly secret: Buffer; readonly cipherKey: KeyObject }

/** Encrypts what must not lie readable in the database: values, manifests, credentials, evidence. */
export type Vault = {
  /** JSON to bytes. `context` says what they belong to (`values:ID`): bytes moved elsewhere do not open there. */
  seal(value: Json, context: string): Buffer
  /** Bytes to JSON. Throws `CannotOpen`. */
  open(sealed: Uint8Array, context: string): Json
}

/** The bytes were altered, belong elsewhere, or were sealed with another key. Says nothing of what is in them. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen'
}

const version = 1
const idBytes = 4
const nonceBytes = 12
const tagBytes = 16
const headerBytes = 1 + idBytes
const prefixBytes = headerBytes + nonceBytes + tagBytes

/** Makes a key of a secret. Throws when that is not 32 bytes. */
export function vaultKey(secret: Buffer): VaultKey {
  if (secret.length !== 32) throw new RangeError('A key has 32 bytes')
  return {
    id: createHash('sha256').update('flotilla vault key id\0').update(secret).digest().subarray(0, idBytes),
    secret,
    cipherKey: createSecretKey(secret),
  }
}

/** How all that a key sealed begins: by it what is stored is told apart from what another key sealed, unopened. */
export const sealHeader = ({ id }: VaultKey): Buffer => Buffer.concat([Buffer.of(version), id])

/**
 * AES-256-GCM with a random nonce. Layout: version (1 byte), key id (4), nonce (12), tag (16), ciphertext; version, id
 * and context are authenticated. Seals with the first key and opens with any: put the new one first to change keys.
 */
export function createVault(keys: readonly [VaultKey, ...VaultKey[]]): Vault {
  return {
    seal(value, context) {
      const header = sealHeader(keys[0])
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', keys[0].cipherKey, nonce, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.concat([header, Buffer.from(context)]))
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
      return Buffer.concat([header, nonce, cipher.getAuthTag(), text])
    },
    open: (sealed, context) => open(keys, Buffer.from(sealed), context),
  }
}

/**
 * Seals anew with the first key what another one has sealed; null for what the first one has sealed itself, which begins
 * with `header`. `inner` gives what the value becomes on its way, null where it stays; it is asked of what the first key has
 * sealed too. Throws `CannotOpen`.
 */
export function renewal(keys: readonly [VaultKey, ...VaultKey[]]) {
  const vault = createVault(keys)
  const header = sealHeader(keys[0])
  const renew = (sealed: Buffer, context: string, inner?: (value: Json) => Json): Buffer | null => {
    const isOwn = sealed.subarray(0, headerBytes).equals(header)
    if (isOwn && inner === undefined) return null
    const value = vault.open(sealed, context)
    const changed = inner?.(value) ?? null
    return isOwn && changed === null ? null : vault.seal(changed ?? value, context)
  }
  return { header, renew }
}

function open(keys: readonly VaultKey[], sealed: Buffer, context: string): Json {
  if (sealed.length < prefixBytes || sealed[0] !== version) throw new CannotOpen('It was not sealed by this vault')
  const header = sealed.subarray(0, headerBytes)
  const key = keys.find((one) => one.id.equals(header.subarray(1)))
  if (key === undefined) throw new CannotOpen('It was sealed with a key that is not here')
  const nonce = sealed.subarray(headerBytes, headerBytes + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key.cipherKey, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.concat([header, Buffer.from(context)]))
  decipher.setAuthTag(sealed.subarray(headerBytes + nonceBytes, prefixBytes))
  return JSON.parse(decrypt(decipher, sealed.subarray(prefixBytes))) as Json
}

function decrypt(decipher: ReturnType<typeof createDecipheriv>, text: Buffer): string {
  try {
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8')
  } catch {
    throw new CannotOpen('It was altered, or belongs elsewhere')
  }
}
