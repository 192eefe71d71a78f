import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { canEnter, type SystemUser } from './user.ts'

/** What lies in the data folder cannot be used as it is: its message says what a person has to do. */
export class FolderUnusable extends Error {
  override readonly name = 'FolderUnusable'
}

/** Makes a folder that others may read, with those above it that are missing, whatever the umask says. */
export function openFolder(path: string): void {
  const whole = resolve(path)
  const first = mkdirSync(whole, { recursive: true }) ?? whole
  for (let folder = whole; folder.length >= first.length; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o755) !== 0o755) chmodSync(folder, 0o755)
  }
}

/** True for a real folder that we own and nobody else may write. */
export function isOurs(path: string): boolean {
  const found = lstatSync(path)
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}

/** Where root puts what the server's user must reach: outside of closed home folders. The first that can be made. */
export const systemFolders: readonly string[] = ['/var/lib/flotilla', '/var/tmp/flotilla']

/** The first of the folders that we can make and that nobody else may write. Throws when there is none. */
export function firstOfOurs(folders: readonly string[]): string {
  const found = folders.find(canMake)
  if (found === undefined) throw new Error(`None of ${folders.join(', ')} can be made and kept from others`)
  return found
}

function canMake(folder: string): boolean {
  try {
    openFolder(folder)
    return isOurs(folder)
  } catch {
    return false
  }
}

/**
 * Where things lie. `own` is in the data folder of Flotilla (password, lock, log, port); `server` holds the database
 * and must be within reach of its user: the same folder where possible, else one of the system.
 */
export type Place = { readonly own: string; readonly server: string; readonly data: string }

/**
 * Finds the place again that an earlier start recorded, or chooses one. Throws when a recorded one has vanished, or belongs
 * to another folder of which this one is a copy.
 * As root the home is opened for passing through (0711), so that the data can lie in it: everything in it that is
 * secret has a mode of its own. The folders above it are not ours to open.
 */
export function choosePlace(home: string, userOf: (data: string) => SystemUser, system = systemFolders): Place {
  mkdirSync(join(home, 'postgres'), { recursive: true, mode: 0o700 })
  const own = realpathSync(join(home, 'postgres'))
  const record = join(own, 'place.json')
  const known = readRecord(record)
  const server =
    known === null ? chooseServer(own, { user: userOf(join(own, 'data')), system }) : recordedServer(own, known)
  claimServer(server, own)
  if (known === null) writeFileAtomically(record, JSON.stringify({ server: server === own ? '.' : server }))
  return { own, server, data: join(server, 'data') }
}

function recordedServer(own: string, recorded: string): string {
  const server = recorded === '.' ? own : recorded
  if (statSync(server, { throwIfNoEntry: false }) === undefined) {
    throw new FolderUnusable(
      `The database was kept in ${server}, which is gone: restore it, or remove ${own} to start anew`,
    )
  }
  return server
}

/**
 * Says in a place outside of the home whose it is. A copied home names the same place, and two that run on one database
 * would each take the other's work for its own; a home that has moved takes its place along.
 */
function claimServer(server: string, own: string): void {
  if (server === own) return
  const claim = join(server, 'home')
  const owner = readText(claim)
  if (owner === own) return
  if (owner !== null && !isSameFolder(owner, own) && isRecordedIn(owner, server)) {
    throw new FolderUnusable(
      `${own} is a copy of ${owner}, whose database lies in ${server}: remove ${own} to start anew, or ${owner} to take it over`,
    )
  }
  writeFileAtomically(claim, own)
}

/** The same folder may be mounted in two places. */
function isSameFolder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

function isRecordedIn(own: string, server: string): boolean {
  const text = readText(join(own, 'place.json'))
  return text !== null && serverIn(text) === server
}

type Choice = { readonly user: SystemUser; readonly system: readonly string[] }

function chooseServer(own: string, { user, system }: Choice): string {
  if (user.uid === process.getuid?.()) return own
  const inside = canEnter(dirname(dirname(own)), user)
  const server = inside ? own : join(firstOfOurs(system), `data-${randomUUID()}`)
  mkdirSync(server, { recursive: true })
  for (const folder of inside ? [dirname(own), own] : [server]) chmodSync(folder, statSync(folder).mode | 0o111)
  return server
}

function readRecord(file: string): string | null {
  const text = readText(file)
  if (text === null) return null
  const server = serverIn(text)
  if (server === null)
    throw new FolderUnusable(`${file} cannot be read: it must say where the database lies, as {"server": "."}`)
  return server
}

function serverIn(text: string): string | null {
  try {
    const { server } = JSON.parse(text) as { readonly server?: unknown }
    return typeof server === 'string' ? server : null
  } catch {
    return null
  }
}

/** The text of a file; null when there is none. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Writes a file that only we can read; a crash leaves the old one or the new one. */
export function writeFileAtomically(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
