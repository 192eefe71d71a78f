import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LONGEST_WAIT_MS = 2000
const PAUSE_MS = 25

/**
 * Makes sure that one process serves a data folder. A lock whose process is gone is taken over; one that is just
 * ending gets a moment. @returns how to give it back. @throws Error when another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const file = join(folder, 'pid')
  const claim = `${file}.${process.pid}`
  const end = performance.now() + LONGEST_WAIT_MS
  writeFileSync(claim, String(process.pid), { mode: 0o600 })
  try {
    while (!link(claim, file)) {
      const held = read(file)
      if (!isPracticeCluster(Number(held))) removeStale(file, held)
      else if (performance.now() > end) throw new Error(`the data folder ${folder} is in use by process ${held}`)
      else await sleep(PAUSE_MS)
    }
    return () => rmSync(file, { force: true })
  } finally {
    rmSync(claim, { force: true })
  }
}

/** The lock appears whole or not at all, and for one process only. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Another one may have taken it over meanwhile: what was moved aside is read again, and put back if it is fresh. */
function removeStale(file: string, held: string | null): void {
  const aside = `${file}.stale.${process.pid}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  if (read(aside) !== held) link(aside, file)
  rmSync(aside, { force: true })
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function isPracticeCluster(pid: number): boolean {
  if (pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return commandOf(pid)?.includes('practice-cluster') ?? true
}

/** The command line of a process where the system shows it: a pid may have gone to somebody else. */
function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return undefined
  }
}
