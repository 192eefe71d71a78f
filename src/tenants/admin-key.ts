import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/instant.ts'
import { transaction } from '../infra/database/pool.ts'
import type { Db } from '../infra/database/types.ts'
import { keyIdOf } from './core/key-format.ts'
import { hashKey, newKey } from './key-secret.ts'
import { presetKey } from './store/keys.ts'

/** Where the first admin key came from, to tell the operator; never the key. */
export type AdminKeySource = { readonly from: 'environment' } | { readonly from: 'file'; readonly path: string }

/**
 * Makes sure that there is an admin key: `FLOTILLA_ADMIN_KEY`, or one that is made on the first start and kept in
 * `HOME/admin.key`, which only its owner can read. A preset key that was revoked stays revoked.
 */
export async function ensureAdminKey(
  deps: { readonly db: Db; readonly clock: Clock },
  options: { readonly preset: string | null; readonly home: string },
): Promise<AdminKeySource> {
  const path = join(options.home, 'admin.key')
  const key = options.preset ?? (await keyInFile(path, options.home))
  const now = deps.clock.now()
  await transaction(deps.db, (tx) =>
    presetKey(tx, {
      id: keyIdOf(key),
      name: 'admin',
      secretHash: hashKey(key),
      role: 'platform-admin',
      tenants: [],
      createdBy: 'flotilla',
      createdAt: now,
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    }),
  )
  return options.preset === null ? { from: 'file', path } : { from: 'environment' }
}

/** The key in the file; of several servers that start at once on one folder, one makes it. */
async function keyInFile(path: string, home: string): Promise<string> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${newKey(randomUUID())}\n`, { mode: 0o600, flag: 'wx' })
  await link(draft, path).catch(ignoreExisting)
  await rm(draft)
  await chmod(path, 0o600)
  return (await readFile(path, 'utf8')).trim()
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
