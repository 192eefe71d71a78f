import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../core/json.ts'
import { type ChartArchive, HelmFailure } from './types.ts'
import { valuesFile } from './values-file.ts'

/** Where the attempts of one worker process keep their files. */
export type Workspace = { readonly folder: string }

/** One attempt's files: in a folder of its own (0700), each 0600, gone after the attempt. */
export type AttemptFiles = {
  readonly folder: string
  readonly chartPath: string
  readonly valuesPath: string
  readonly kubeconfigPath: string
  remove(): void
}
export type AttemptContents = {
  readonly chart?: ChartArchive | undefined
  readonly values?: JsonObject | undefined
  readonly kubeconfig?: string | undefined
  /** Further files, by their name in the folder. */
  readonly files?: Readonly<Record<string, Buffer>> | undefined
}

const workerFolder = /^worker-(\d+)-(\d+)$/

/** Makes this worker's folder below `root` and removes what dead workers left there. */
export async function openWorkspace(root: string): Promise<Workspace> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  await sweep(root)
  const folder = join(root, `worker-${process.pid}-${startOf(process.pid) ?? 0}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return { folder }
}

/**
 * Writes what one attempt needs. The caller removes it when the child is gone. Throws `HelmFailure` unavailable when the disk
 * is full.
 */
export async function openAttempt(workspace: Workspace, contents: AttemptContents): Promise<AttemptFiles> {
  try {
    return await writeAttempt(workspace, contents)
  } catch (error) {
    throw isDiskFull(error) ? noRoom() : error
  }
}

/**
 * A few small files are written synchronously: that takes a fraction of the CPU which the thread pool's detour takes, and no
 * measurable time.
 */
async function writeAttempt(workspace: Workspace, contents: AttemptContents): Promise<AttemptFiles> {
  const folder = mkdtempSync(join(workspace.folder, 'a-'))
  const files: AttemptFiles = {
    folder,
    chartPath:
      contents.chart !== undefined && 'path' in contents.chart ? contents.chart.path : join(folder, 'chart.tgz'),
    valuesPath: join(folder, 'values.json'),
    kubeconfigPath: join(folder, 'kubeconfig'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
  try {
    await writeContents(files, contents)
    return files
  } catch (error) {
    files.remove()
    throw error
  }
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

const noRoom = (): HelmFailure =>
  new HelmFailure({ code: 'unavailable', detail: 'the disk of the server has no room for what helm needs' }, false, '')

/** The child's whole environment: its own folders, no plugins, memory instead of garbage collection. */
export function childEnvironment(files: AttemptFiles): Record<string, string> {
  const own = (name: string) => join(files.folder, name)
  return {
    PATH: '/usr/bin:/bin',
    HOME: files.folder,
    KUBECONFIG: files.kubeconfigPath,
    HELM_CACHE_HOME: own('cache'),
    HELM_CONFIG_HOME: own('config'),
    HELM_DATA_HOME: own('data'),
    HELM_PLUGINS: own('no-plugins'),
    // Helm keeps discovery in some sixty small files, of no use to anyone else: the gateway has it in memory.
    KUBECACHEDIR: '/dev/null',
    GOGC: 'off',
    GOMEMLIMIT: '256MiB',
  }
}

/** Removes this worker's folder: at the end of a process, when no attempt runs. */
export function closeWorkspace(workspace: Workspace): Promise<void> {
  return rm(workspace.folder, { recursive: true, force: true })
}

async function writeContents(files: AttemptFiles, contents: AttemptContents): Promise<void> {
  const { chart, values, kubeconfig, files: more = {} } = contents
  const closed = { mode: 0o600, flag: 'wx' } as const
  for (const [name, bytes] of Object.entries(more)) writeFileSync(join(files.folder, name), bytes, closed)
  if (values !== undefined) writeFileSync(files.valuesPath, valuesFile(values), closed)
  if (kubeconfig !== undefined) writeFileSync(files.kubeconfigPath, kubeconfig, closed)
  if (chart !== undefined && 'bytes' in chart) await writeFile(files.chartPath, chart.bytes, closed)
}

async function sweep(root: string): Promise<void> {
  const dead = (await readdir(root)).filter(isDead)
  await Promise.all(dead.map((name) => rm(join(root, name), { recursive: true, force: true })))
}

/** A process id alone is used again after a while: its start time tells one process from the next. */
function isDead(name: string): boolean {
  const [, pid, start] = workerFolder.exec(name) ?? []
  if (pid === undefined || start === undefined) return false
  return startOf(Number(pid)) !== Number(start) && !(start === '0' && isRunning(Number(pid)))
}

/** Ticks from boot to the start of the process; null when there is none, or no /proc. */
function startOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
