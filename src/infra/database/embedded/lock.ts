import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf } from './processes.ts'

/** Thrown when another running process holds the data folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
}

/**
 * Takes a folder's lock file for this process, for as long as it lives: a holder that is gone holds nothing.
 * Returns the release. Throws `FolderInUse` when a running process (this one too) holds it.
 */
export async function holdFolder(lockFile: string): Promise<() => void> {
  const claim = `${lockFile}.${process.pid}`
  writeFileSync(claim, ownIdentity(), { mode: 0o600 })
  try {
    for (let tries = 0; tries < 50; tries++) {
      if (link(claim, lockFile)) return () => rmSync(lockFile, { force: true })
      removeStale(lockFile)
      await sleep(5)
    }
    throw new FolderInUse(`The lock ${lockFile} cannot be taken`)
  } finally {
    rmSync(claim, { force: true })
  }
}

function ownIdentity(): string {
  return identityOf(process.pid) ?? `unknown:${process.pid}:`
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Renames before it removes and reads what it renamed: two that find the same stale lock cannot remove a fresh one. */
function removeStale(lockFile: string): void {
  const held = read(lockFile)
  if (held === null) return
  refuseLiving(lockFile, held)
  const aside = `${lockFile}.stale.${process.pid}`
  try {
    renameSync(lockFile, aside)
  } catch {
    return
  }
  const moved = read(aside)
  if (moved !== null && moved !== held) link(aside, lockFile)
  rmSync(aside, { force: true })
}

function refuseLiving(lockFile: string, held: string): void {
  if (isLiving(held)) throw new FolderInUse(`The data folder is in use by process ${pidOf(held)} (${lockFile})`)
}

function isLiving(held: string): boolean {
  return identityOf(pidOf(held)) === held
}

function pidOf(held: string): number {
  return Number(held.split(':')[1])
}

/** True when a process that is gone left the lock behind. */
export function isAbandoned(lockFile: string): boolean {
  const held = read(lockFile)
  return held !== null && !isLiving(held)
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
