import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type VaultKey, vaultKey } from './vault.ts'

const fileName = 'secret-key'
const shortestSecret = 32

/**
 * The key for what is stored encrypted: from `FLOTILLA_SECRET_KEY` when it is given (32 bytes as base64 or hex, or any
 * text of at least 32 characters), otherwise from a file in the data folder that only its owner can read, made on the
 * first start. Throws, naming the variable or the file, when it is too short. Two that start at once get the same key.
 */
export function loadOrCreateKey(home: string, given: string | undefined): VaultKey {
  if (given !== undefined && given !== '') return keyFromText(given, 'FLOTILLA_SECRET_KEY')
  const file = join(home, fileName)
  if (!exists(file)) create(home, file)
  return keyFromText(readFileSync(file, 'utf8').trim(), file)
}

/** A key from text: its 32 bytes where it is the base64 or hex of so many, else its digest. */
function keyFromText(text: string, source: string): VaultKey {
  if (text.length < shortestSecret) throw new Error(`${source} must have at least ${shortestSecret} characters`)
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    const bytes = Buffer.from(text, encoding)
    if (bytes.length === 32 && bytes.toString(encoding).replace(/=+$/, '') === text.replace(/=+$/, ''))
      return vaultKey(bytes)
  }
  return vaultKey(createHash('sha256').update('flotilla secret key\0').update(text).digest())
}

function exists(file: string): boolean {
  try {
    readFileSync(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Written aside and linked into place: the first one wins, and nobody ever reads half a key. */
function create(home: string, file: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
