import { readdir, readFile, readlink } from 'node:fs/promises'

/** A running process, as /proc tells of it. */
export type Process = {
  readonly pid: number
  readonly parent: number
  readonly name: string
  readonly commandLine: string
}

/** All processes of this machine. One that ends meanwhile is left out; so is a zombie, which can do nothing any more. */
export async function listProcesses(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))))
  return found.filter((process) => process !== null)
}

/** The helms that our servers started from the binary in their folder, also when their server is dead by now. */
export async function helmsOf(home: string): Promise<readonly Process[]> {
  return (await listProcesses()).filter(
    ({ name, commandLine }) => name.startsWith('helm') && commandLine.startsWith(home),
  )
}

/** The processes that work in this folder: it stands on their command line or in their environment, or they are in it. */
export async function processesOf(home: string): Promise<readonly Process[]> {
  const all = await listProcesses()
  const tied = await Promise.all(all.map(async (each) => each.commandLine.includes(home) || isTied(each.pid, home)))
  return all.filter((_, n) => tied[n])
}

async function isTied(pid: number, home: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  const place = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  return environment.includes(home) || place.startsWith(home)
}

async function readProcess(pid: number): Promise<Process | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    const [, name = '', state, parent = '0'] = stat.match(/^\d+ \((.*)\) (\S) (\d+)/s) ?? []
    return state === 'Z' ? null : { pid, parent: Number(parent), name, commandLine }
  } catch {
    return null
  }
}

/** Sends a signal; a process that has ended already is no error. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
