import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Names a process beyond its pid, which the system gives out again: boot, pid and start time.
 * Null when it does not run (a zombie does not).
 */
export function identityOf(pid: number): string | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === null) return null
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z' || state === 'X') return null
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${pid}:${fields[18]}`
}

/** The pids of the processes that work in a folder (its real path). Every process of a PostgreSQL server does so. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => attempt(() => readlinkSync(`/proc/${pid}/cwd`)) === folder && identityOf(pid) !== null)
}

/** The path of the program that a process runs; null when it is gone or not ours to see. */
export function executableOf(pid: number): string | null {
  return attempt(() => readlinkSync(`/proc/${pid}/exe`))
}

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  return attempt(() => process.kill(pid, name)) ?? false
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
