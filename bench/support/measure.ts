import { readdirSync, readFileSync } from 'node:fs'

/** CPU seconds that a process has used itself, and those of the children that it has waited for. Linux only. */
export type Cpu = { readonly own: number; readonly children: number }

const ticksPerSecond = 100

export function cpuOf(pid: number | 'self'): Cpu {
  const fields = statOf(pid)
  const seconds = (at: number) => (Number(fields[at]) + Number(fields[at + 1])) / ticksPerSecond
  return { own: seconds(11), children: seconds(13) }
}

/** A process with all that it has started and still runs, and all of theirs that has ended: PostgreSQL's backends. */
export function cpuOfTree(pid: number): number {
  const { own, children } = cpuOf(pid)
  return own + children + childrenOf(pid).reduce((sum, child) => sum + cpuOf(child).own, 0)
}

/** Resident memory of processes in MB, pages that they share counted once for each. */
export function residentMb(...pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + statusMb(pid, 'VmRSS'), 0)
}

/** Memory of a process and its children in MB, shared pages divided among them. */
export function proportionalMb(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + rollupMb(each), 0)
}

export function childrenOf(pid: number): readonly number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return all.map(Number).filter((each) => parentOf(each) === pid)
}

/** The embedded PostgreSQL of a Flotilla: the one child that has children of its own. */
export function postmasterOf(flotillaPid: number): number {
  const found = childrenOf(flotillaPid).find((pid) => childrenOf(pid).length > 0)
  if (found === undefined) throw new Error('Flotilla has no embedded PostgreSQL')
  return found
}

function parentOf(pid: number): number | null {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return null
  }
}

/** The fields behind the name, which may hold anything: the state comes first. */
function statOf(pid: number | 'self'): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const statusMb = (pid: number, field: string) => kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), field)
const rollupMb = (pid: number) => kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss')

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024
}

/** The middle one; half way between the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (upper + lower) / 2
}
