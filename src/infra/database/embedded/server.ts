import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import { type Binaries, packagedBinaries, prepareBinaries } from './binaries.ts'
import { ensureData, keepPassword, keepPort, realData } from './cluster.ts'
import { choosePlace, type Place, systemFolders } from './folders.ts'
import { holdFolder } from './lock.ts'
import {
  clearRemains,
  findPostmaster,
  launch,
  type Postmaster,
  runsProgram,
  shutDown,
  untilEmpty,
  untilReady,
} from './postmaster.ts'
import { identityOf, signal } from './processes.ts'
import { type Address, addressIn, serverArguments, serverUrl } from './settings.ts'
import { type SystemUser, serverUser } from './user.ts'

export type EmbeddedOptions = {
  /** The data folder of Flotilla; the database goes to `postgres/` in it, or where that says. */
  readonly home: string
  readonly log: Log
  /** The folder of the PostgreSQL binaries; that of the npm package, unless said otherwise. */
  readonly binaries?: string
  /** Where root puts what the server's user cannot reach otherwise (default `systemFolders`). */
  readonly system?: readonly string[]
  /** Settings of the server beyond the usual ones. */
  readonly settings?: Readonly<Record<string, string>>
  /** Starts the server again, at the same address, when it dies (default true). */
  readonly revive?: boolean
}

/** A running PostgreSQL that this process looks after. */
export type EmbeddedPostgres = {
  /** With the password: not for logs. Stays the same when the server is started again. */
  readonly url: string
  /** The server's process now. */
  readonly pid: () => number
  /** Ends it in order and gives the data folder free. */
  stop(): Promise<void>
  /** Ends it as a crash would, for tests; it is not started again. */
  kill(): Promise<void>
}

type Setting = {
  readonly place: Place
  readonly data: string
  readonly binaries: Binaries
  readonly user: SystemUser
  readonly options: EmbeddedOptions
}

const readyMs = 60_000
const watchMs = 200

/**
 * Starts PostgreSQL on the data folder, or takes over the one that a killed Flotilla left running there. Survives this
 * process on purpose: work that was acknowledged is not in doubt because the server of the API died.
 * Throws `FolderInUse` when another running process looks after the folder, and an `Error` that says what is wrong.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const place = choosePlace(options.home, serverUser, options.system)
  if (place.server !== place.own) options.log.warn({ folder: place.server }, 'The database is kept outside of its home')
  const release = await holdFolder(join(place.own, 'owner'))
  try {
    return await start(place, options, release)
  } catch (error) {
    release()
    throw error
  }
}

async function start(place: Place, options: EmbeddedOptions, release: () => void): Promise<EmbeddedPostgres> {
  const user = serverUser(place.data)
  const binaries = prepareBinaries(options.binaries ?? packagedBinaries(), join(place.server, 'lib'), {
    user,
    system: options.system ?? systemFolders,
  })
  const password = keepPassword(place)
  await ensureData(place, binaries, user, password)
  const setting = { place, data: realData(place), binaries, user, options }
  const first = (await adopt(setting)) ?? (await launchServer(setting, addressIn(setting.data, await keepPort(place))))
  return lookAfter(setting, first, password, release)
}

async function adopt({ data, binaries, options }: Setting): Promise<Postmaster | null> {
  const found = findPostmaster(data)
  if (found === null) return null
  if (runsProgram(found, binaries.postgres)) {
    await untilReady(data, found.pid, readyMs)
    options.log.info({ pid: found.pid }, 'PostgreSQL was still running and is taken over')
    return found
  }
  options.log.info({ pid: found.pid }, 'PostgreSQL still runs from other binaries and is started again')
  await shutDown(data, found.pid)
  return null
}

async function launchServer(setting: Setting, address: Address): Promise<Postmaster> {
  const { place, data, binaries, user, options } = setting
  await clearRemains(data)
  const args = serverArguments(data, address, options.settings ?? {})
  const logFile = join(place.own, 'postgres.log')
  const child = launch(binaries.postgres, { binaries, user, args, folder: place.server, logFile })
  child.on('error', (error) => options.log.error({ error: error.message }, 'PostgreSQL cannot be run'))
  child.unref()
  const pid = child.pid ?? -1
  await untilReady(data, pid, readyMs).catch((error: Error) => {
    throw new Error(`${error.message} (see ${logFile})`)
  })
  return { pid, address, ready: true }
}

function lookAfter(setting: Setting, first: Postmaster, password: string, release: () => void): EmbeddedPostgres {
  let current = first
  const stopping = new AbortController()
  const watch = async () => {
    while (await staysAlive(current.pid, stopping.signal)) {
      setting.options.log.error({ pid: current.pid }, 'PostgreSQL died and is started again')
      current = await revived(setting, current, stopping.signal)
    }
  }
  const watched = setting.options.revive === false ? Promise.resolve() : watch()
  let ended: Promise<void> | null = null
  const end = (how: () => Promise<void>): Promise<void> => {
    stopping.abort()
    ended ??= watched.then(how).finally(release)
    return ended
  }
  return {
    url: serverUrl(first.address, password),
    pid: () => current.pid,
    stop: () => end(() => shutDown(setting.data, current.pid)),
    kill: () =>
      end(async () => {
        signal(current.pid, 'SIGKILL')
        await untilEmpty(setting.data, readyMs)
      }),
  }
}

/** False when told to stop; true once the process is gone. */
async function staysAlive(pid: number, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted && identityOf(pid) !== null) await pause(watchMs, stop)
  return !stop.aborted
}

/** The address stays: every pool points to it. */
async function revived(setting: Setting, died: Postmaster, stop: AbortSignal): Promise<Postmaster> {
  for (let waitMs = 100; !stop.aborted; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      return await launchServer(setting, died.address)
    } catch (error) {
      setting.options.log.error({ error: String(error) }, 'PostgreSQL does not start')
      await pause(waitMs, stop)
    }
  }
  return died
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop, ref: false }).catch(() => undefined)
}
