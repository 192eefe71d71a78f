import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type VaultKey, vaultKey } from './vault.ts'

const fileName = 'secret-key'
const shortestSecret = 32

/** A key, and where it is from: the variable, or its file. */
export type FoundKey = { readonly key: VaultKey; readonly source: string }

/** The file of a data folder that holds its key. */
export const keyFile = (home: string): string => join(home, fileName)

/**
 * The key for what is stored encrypted: from `FLOTILLA_SECRET_KEY` when it is given (32 bytes as base64 or hex, or any
 * text of at least 32 characters), otherwise from a file in the data folder; null where there is neither. Throws, naming
 * the variable or the file, when it is too short or cannot be read.
 */
export function findKey(home: string, given: string | undefined): FoundKey | null {
  if (given !== undefined && given !== '') return keyFromText(given, 'FLOTILLA_SECRET_KEY')
  const text = textOf(keyFile(home))
  return text === null ? null : keyFromText(text.trim(), keyFile(home))
}

/**
 * Makes a key in a file of the data folder that only its owner can read. Two that do it at once get the same key. Only
 * for a database that holds nothing sealed: nothing that another key sealed opens with the new one.
 */
export function createKey(home: string): FoundKey {
  const file = keyFile(home)
  create(home, file)
  return keyFromText(readFileSync(file, 'utf8').trim(), file)
}

/** The second key of a rotation: what the first one did not seal opens with it. Throws, naming the variable. */
export const otherKey = (given: string): VaultKey => keyFromText(given, 'FLOTILLA_OTHER_SECRET_KEY').key

/** A key from text: its 32 bytes where it is the base64 or hex of so many, else its digest. */
function keyFromText(text: string, source: string): FoundKey {
  if (text.length < shortestSecret) throw new Error(`${source} must have at least ${shortestSecret} characters`)
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    const bytes = Buffer.from(text, encoding)
    if (bytes.length === 32 && bytes.toString(encoding).replace(/=+$/, '') === text.replace(/=+$/, ''))
      return { key: vaultKey(bytes), source }
  }
  return { key: vaultKey(createHash('sha256').update('flotilla secret key\0').update(text).digest()), source }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new Error(`${file} cannot be read (${code})`)
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
