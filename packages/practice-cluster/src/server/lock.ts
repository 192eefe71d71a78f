import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  const end = performance.now() + LONGEST_WAIT_MS
  for (let holder = holderOf(file); isPracticeCluster(holder); holder = holderOf(file)) {
    if (performance.now() > end) throw new Error(`the data folder ${folder} is in use by process ${holder}`)
    await sleep(PAUSE_MS)
  }
  writeFileSync(file, String(process.pid), { mode: 0o600 })
  return () => rmSync(file, { force: true })
}

const holderOf = (file: string): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0)

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
