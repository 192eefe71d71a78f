import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'

/** A user of the system, by number. */
export type SystemUser = { readonly uid: number; readonly gid: number }

const readByOthers = 0o004
const enterByOthers = 0o001

/**
 * The user that PostgreSQL runs as: ourselves, or `postgres`, else `nobody`, when we are root (it refuses root).
 * A data folder that exists already keeps its owner.
 */
export function serverUser(dataFolder: string): SystemUser {
  const self = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 }
  if (self.uid !== 0) return self
  const owner = statSync(dataFolder, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const users = readFileSync('/etc/passwd', 'utf8')
  const found = findUser(users, 'postgres') ?? findUser(users, 'nobody')
  if (found === null) throw new Error('PostgreSQL refuses to run as root, and there is no user postgres or nobody')
  return found
}

/** The system does not know the user that the database files would be made by. */
export class UnknownUser extends Error {
  override readonly name = 'UnknownUser'
}

/**
 * PostgreSQL makes its files only for a user that the system knows by name; it runs on them for any. Throws `UnknownUser`
 * where we have no name ourselves, as in a container that runs as any number.
 */
export function requireName({ uid }: SystemUser): void {
  if (uid !== process.getuid?.()) return
  try {
    userInfo()
  } catch {
    const need = 'the embedded PostgreSQL is made by a user with a name'
    throw new UnknownUser(`${need}, and user ${uid} has no entry in /etc/passwd: add one, or set DATABASE_URL`)
  }
}

/** The numbers of a named user in the text of /etc/passwd; null when it is not there, or is root. */
export function findUser(passwd: string, name: string): SystemUser | null {
  const line = passwd.split('\n').find((text) => text.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined || Number(uid) === 0) return null
  return { uid: Number(uid), gid: Number(gid) }
}

/** True when the user can read a file, and pass every folder above it, by the mode bits. */
export function canReach(file: string, user: SystemUser): boolean {
  return permits(file, user, readByOthers) && canEnter(dirname(file), user)
}

/** True when the user can pass through a folder and every folder above it, by the mode bits. */
export function canEnter(folder: string, user: SystemUser): boolean {
  if (!permits(folder, user, enterByOthers)) return false
  return folder === dirname(folder) || canEnter(dirname(folder), user)
}

function permits(path: string, user: SystemUser, bit: number): boolean {
  const { uid, gid, mode } = statSync(path)
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return ((mode >> shift) & bit) === bit
}
