import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { type Place, readText, writeFileAtomically } from './folders.ts'
import { exitCode, launch } from './postmaster.ts'
import { initArguments } from './settings.ts'
import { requireName, type SystemUser } from './user.ts'

/** The superuser's password, made once and readable by us alone. */
export function keepPassword(place: Place): string {
  const file = join(place.own, 'password')
  const known = readText(file)
  if (known !== null) return known
  const made = randomBytes(32).toString('base64url')
  writeFileAtomically(file, made)
  return made
}

/** Makes the database files unless they are there. Whole or not at all: a start that is cut short begins again. Throws `UnknownUser`. */
export async function ensureData(place: Place, binaries: Binaries, user: SystemUser, password: string): Promise<void> {
  if (statSync(place.data, { throwIfNoEntry: false }) !== undefined) return
  requireName(user)
  const draft = join(place.server, 'data.new')
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  chownSync(draft, user.uid, user.gid)
  await initialise(place, draft, { binaries, user, password })
  renameSync(draft, place.data)
}

type Initialisation = { readonly binaries: Binaries; readonly user: SystemUser; readonly password: string }

async function initialise(place: Place, folder: string, { binaries, user, password }: Initialisation): Promise<void> {
  const passwordFile = join(place.server, 'password.new')
  rmSync(passwordFile, { force: true })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  chownSync(passwordFile, user.uid, user.gid)
  const logFile = join(place.own, 'postgres.log')
  const args = initArguments(folder, passwordFile)
  const code = await exitCode(launch(binaries.initdb, { binaries, user, args, folder: place.server, logFile }))
  rmSync(passwordFile, { force: true })
  if (code !== 0) throw new Error(`initdb failed (see ${logFile})`)
}

/** The path that the system reports for processes in the data folder. */
export function realData(place: Place): string {
  return realpathSync(place.data)
}

/** The port of the last start while it is free, otherwise a free one, kept for the next start. */
export async function keepPort(place: Place): Promise<number> {
  const file = join(place.own, 'port')
  const known = Number(readText(file) ?? 0)
  const port = (known > 0 && (await freePort(known))) || (await freePort(0))
  if (port === null) throw new Error('No free port on 127.0.0.1')
  if (port !== known) writeFileAtomically(file, String(port))
  return port
}

function freePort(wanted: number): Promise<number | null> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(null))
    server.listen({ host: '127.0.0.1', port: wanted }, () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null))
    })
  })
}
