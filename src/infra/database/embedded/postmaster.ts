import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { readText } from './folders.ts'
import { executableOf, identityOf, processesIn, signal } from './processes.ts'
import type { Address } from './settings.ts'
import type { SystemUser } from './user.ts'

/** What `postmaster.pid` says of the server of a data folder. */
export type Postmaster = { readonly pid: number; readonly address: Address; readonly ready: boolean }

/** A program of PostgreSQL and how it is run. */
export type Launch = {
  readonly binaries: Binaries
  readonly user: SystemUser
  readonly args: readonly string[]
  readonly folder: string
  readonly logFile: string
}

const pollMs = 5
const maxLogBytes = 5_000_000

/** Reads `postmaster.pid`; null when there is none. What it says may be stale. */
export function readPidFile(data: string): Postmaster | null {
  const lines = readText(join(data, 'postmaster.pid'))?.split('\n')
  if (lines === undefined || lines.length < 5) return null
  const address = { socketFolder: lines[4] || null, port: Number(lines[3]) }
  return { pid: Number(lines[0]), address, ready: lines[7]?.trim() === 'ready' }
}

/** The server that runs on a data folder, known by its program and the folder it works in; null when none does. */
export function findPostmaster(data: string): Postmaster | null {
  const found = readPidFile(data)
  if (found === null || !processesIn(data).includes(found.pid)) return null
  return basename(programOf(found.pid)) === 'postgres' ? found : null
}

/** True when the server runs the very program we would start: not one of a package that was replaced meanwhile. */
export function runsProgram(postmaster: Postmaster, program: string): boolean {
  return executableOf(postmaster.pid) === realpathSync(program)
}

function programOf(pid: number): string {
  return executableOf(pid)?.replace(/ \(deleted\)$/, '') ?? ''
}

/** Starts a program in a session of its own, with its output in the log file. */
export function launch(program: string, how: Launch): ChildProcess {
  const log = openLog(how.logFile)
  const child = spawn(program, how.args, {
    ...{ uid: how.user.uid, gid: how.user.gid, cwd: how.folder, detached: true },
    env: { LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: how.binaries.libraryPath },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

/** How a program ended: its exit code, or null when a signal or the system stopped it. */
export function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code))
    child.once('error', () => resolve(null))
  })
}

function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

/** Waits until the server takes connections. Throws when it ends before, or is not ready after `timeoutMs`. */
export async function untilReady(data: string, pid: number, timeoutMs: number): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(pollMs)) {
    const found = readPidFile(data)
    if (found?.pid === pid && found.ready) return
    if (identityOf(pid) === null) throw new Error('PostgreSQL ended while it started')
  }
  throw new Error(`PostgreSQL was not ready after ${timeoutMs} ms`)
}

/** Ends a server in order (open transactions are rolled back); harder when it does not end in time. */
export async function shutDown(data: string, pid: number): Promise<void> {
  for (const [how, waitMs] of [
    ['SIGINT', 20_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (processesIn(data).includes(pid)) signal(pid, how)
    if (await untilEmpty(data, waitMs)) return
  }
  throw new Error(`PostgreSQL (process ${pid}) cannot be ended`)
}

/**
 * Waits until no process works in the data folder: children of a killed server may still write for a moment. Removes
 * the pid file then, and the lock file of its socket: the pid that they name may be another process by now, or one that
 * nobody reaps, and PostgreSQL would not start beside either.
 */
export async function clearRemains(data: string): Promise<void> {
  if (!(await untilEmpty(data, 10_000))) {
    for (const pid of processesIn(data)) signal(pid, 'SIGKILL')
    if (!(await untilEmpty(data, 5_000))) throw new Error(`Processes of an earlier PostgreSQL still work in ${data}`)
  }
  const locks = readdirSync(data).filter((name) => /^\.s\.PGSQL\.\d+\.lock$/.test(name))
  for (const name of ['postmaster.pid', ...locks]) rmSync(join(data, name), { force: true })
}

/** True once no process works in the folder; false when one still does after `timeoutMs`. */
export async function untilEmpty(data: string, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(pollMs)) {
    if (processesIn(data).length === 0) return true
  }
  return processesIn(data).length === 0
}
